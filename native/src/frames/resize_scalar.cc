#include "frames/resize_passes.h"

namespace ufvideo {
namespace {

void resize_rows(const Filter& filter, const std::uint8_t* in, int num_rows, int in_width,
                 int out_width, std::uint8_t* out) {
  for (int y = 0; y < num_rows; ++y) {
    const std::uint8_t* row = in + static_cast<std::size_t>(y) * in_width * kChannels;
    for (int x = 0; x < out_width; ++x) {
      const Taps taps = filter.taps[x];
      const std::int32_t* weights = &filter.weights[static_cast<std::size_t>(x) * filter.stride];
      const std::uint8_t* pixel = row + static_cast<std::size_t>(taps.first) * kChannels;
      std::int32_t red = kHalf;
      std::int32_t green = kHalf;
      std::int32_t blue = kHalf;
      for (int i = 0; i < taps.count; ++i, pixel += kChannels) {
        red += pixel[0] * weights[i];
        green += pixel[1] * weights[i];
        blue += pixel[2] * weights[i];
      }
      *out++ = to_pixel(red);
      *out++ = to_pixel(green);
      *out++ = to_pixel(blue);
    }
  }
}

void resize_column(const std::int32_t* weights, int count, const std::uint8_t* in,
                   std::size_t row_size, std::uint8_t* out) {
  // As many sums as stay in the first cache, whatever the width.
  constexpr std::size_t kBlock = 512;
  std::int32_t sums[kBlock];
  for (std::size_t begin = 0; begin < row_size; begin += kBlock) {
    const std::size_t size = std::min(kBlock, row_size - begin);
    std::fill_n(sums, size, kHalf);
    for (int i = 0; i < count; ++i) {
      const std::uint8_t* row = in + static_cast<std::size_t>(i) * row_size + begin;
      const std::int32_t weight = weights[i];
      for (std::size_t j = 0; j < size; ++j) {
        sums[j] += row[j] * weight;
      }
    }
    for (std::size_t j = 0; j < size; ++j) {
      out[begin + j] = to_pixel(sums[j]);
    }
  }
}

}  // namespace

const ResizePasses& scalar_passes() {
  static constexpr ResizePasses kPasses{resize_rows, resize_column};
  return kPasses;
}

}  // namespace ufvideo
