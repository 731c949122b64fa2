#include "ufvideo/resize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/error_message.h"

namespace ufvideo {
namespace {

constexpr int kChannels = 3;
// Pillow keeps 8 bits of the pixel and 2 spare bits beside the fraction in 32 bits.
constexpr int kFractionBits = 32 - 8 - 2;
constexpr double kBicubicSupport = 2.0;

double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1.0) {
    return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  }
  if (x < 2.0) {
    return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  }
  return 0.0;
}

/// Which input pixels make an output pixel, and how much of each.
struct Taps {
  int first;
  int count;
};

struct Filter {
  std::vector<Taps> taps;
  int max_taps;
  /// Fixed-point weights, `max_taps` of them for each output pixel.
  std::vector<std::int32_t> weights;
};

Filter make_filter(int in_size, int out_size) {
  const double scale = static_cast<double>(in_size) / out_size;
  const double stretch = std::max(scale, 1.0);
  const double support = kBicubicSupport * stretch;
  const double inverse = 1.0 / stretch;
  Filter filter;
  filter.max_taps = static_cast<int>(std::ceil(support)) * 2 + 1;
  filter.taps.resize(out_size);
  filter.weights.assign(static_cast<std::size_t>(out_size) * filter.max_taps, 0);
  std::vector<double> exact(filter.max_taps);
  for (int out = 0; out < out_size; ++out) {
    const double center = (out + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int last = std::min(static_cast<int>(center + support + 0.5), in_size);
    double sum = 0.0;
    for (int i = 0; i < last - first; ++i) {
      exact[i] = bicubic((i + first - center + 0.5) * inverse);
      sum += exact[i];
    }
    std::int32_t* weights = &filter.weights[static_cast<std::size_t>(out) * filter.max_taps];
    for (int i = 0; i < last - first; ++i) {
      const double weight = (sum != 0.0 ? exact[i] / sum : exact[i]) * (1 << kFractionBits);
      weights[i] = static_cast<std::int32_t>(weight < 0.0 ? weight - 0.5 : weight + 0.5);
    }
    filter.taps[out] = {first, last - first};
  }
  return filter;
}

std::uint8_t to_pixel(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

void resize_rows(const Filter& filter, const std::uint8_t* in, int height, int in_width,
                 int out_width, std::uint8_t* out) {
  constexpr std::int32_t kHalf = 1 << (kFractionBits - 1);
  for (int y = 0; y < height; ++y) {
    const std::uint8_t* row = in + static_cast<std::size_t>(y) * in_width * kChannels;
    std::uint8_t* result = out + static_cast<std::size_t>(y) * out_width * kChannels;
    for (int x = 0; x < out_width; ++x) {
      const Taps taps = filter.taps[x];
      const std::int32_t* weights = &filter.weights[static_cast<std::size_t>(x) * filter.max_taps];
      const std::uint8_t* pixel = row + static_cast<std::size_t>(taps.first) * kChannels;
      std::int32_t red = kHalf;
      std::int32_t green = kHalf;
      std::int32_t blue = kHalf;
      for (int i = 0; i < taps.count; ++i, pixel += kChannels) {
        red += pixel[0] * weights[i];
        green += pixel[1] * weights[i];
        blue += pixel[2] * weights[i];
      }
      *result++ = to_pixel(red);
      *result++ = to_pixel(green);
      *result++ = to_pixel(blue);
    }
  }
}

void resize_columns(const Filter& filter, const std::uint8_t* in, int width, int out_height,
                    std::uint8_t* out) {
  const std::size_t row_size = static_cast<std::size_t>(width) * kChannels;
  std::vector<std::int32_t> sums(row_size);
  for (int y = 0; y < out_height; ++y) {
    const Taps taps = filter.taps[y];
    const std::int32_t* weights = &filter.weights[static_cast<std::size_t>(y) * filter.max_taps];
    std::fill(sums.begin(), sums.end(), 1 << (kFractionBits - 1));
    for (int i = 0; i < taps.count; ++i) {
      const std::uint8_t* row = in + (static_cast<std::size_t>(taps.first) + i) * row_size;
      const std::int32_t weight = weights[i];
      for (std::size_t j = 0; j < row_size; ++j) {
        sums[j] += row[j] * weight;
      }
    }
    std::uint8_t* result = out + static_cast<std::size_t>(y) * row_size;
    for (std::size_t j = 0; j < row_size; ++j) {
      result[j] = to_pixel(sums[j]);
    }
  }
}

void check(const Tensor& frames, int height, int width) {
  const Shape& shape = frames.shape();
  if (frames.dtype() != DType::kUint8 || shape.size() != 4 || shape[3] != kChannels) {
    fail(ErrorCode::kInvalidInput, "resize: frames: expected uint8 [T, H, W, 3], got ",
         dtype_name(frames.dtype()), " ", shape_string(shape));
  }
  constexpr std::int64_t kMaxSide = 1 << 16;
  const bool fits = shape[1] >= 1 && shape[2] >= 1 && shape[1] <= kMaxSide &&
                    shape[2] <= kMaxSide && height >= 1 && width >= 1 && height <= kMaxSide &&
                    width <= kMaxSide;
  if (!fits) {
    fail(ErrorCode::kInvalidInput, "resize: expected sides of 1 to ", kMaxSide, " pixels, got ",
         shape_string(shape), " to ", height, " x ", width);
  }
}

}  // namespace

Tensor resize_bicubic(const Tensor& frames, int height, int width) {
  check(frames, height, width);
  const auto num_frames = frames.dim(0);
  const int in_height = static_cast<int>(frames.dim(1));
  const int in_width = static_cast<int>(frames.dim(2));
  if (in_height == height && in_width == width) {
    return frames;
  }
  Tensor resized(DType::kUint8, {num_frames, height, width, kChannels});
  const Filter horizontal = make_filter(in_width, width);
  const Filter vertical = make_filter(in_height, height);
  std::vector<std::uint8_t> between;
  if (in_width != width && in_height != height) {
    between.resize(static_cast<std::size_t>(in_height) * width * kChannels);
  }
  const std::size_t in_step = static_cast<std::size_t>(in_height) * in_width * kChannels;
  const std::size_t out_step = static_cast<std::size_t>(height) * width * kChannels;
  for (std::int64_t t = 0; t < num_frames; ++t) {
    const std::uint8_t* in = frames.data<std::uint8_t>() + t * in_step;
    std::uint8_t* out = resized.data<std::uint8_t>() + t * out_step;
    if (in_height == height) {
      resize_rows(horizontal, in, in_height, in_width, width, out);
    } else if (in_width == width) {
      resize_columns(vertical, in, width, height, out);
    } else {
      resize_rows(horizontal, in, in_height, in_width, width, between.data());
      resize_columns(vertical, between.data(), width, height, out);
    }
  }
  return resized;
}

}  // namespace ufvideo
