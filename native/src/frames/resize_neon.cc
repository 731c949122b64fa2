#include "frames/resize_passes.h"

#if defined(__aarch64__)

#include <arm_neon.h>

#include <cstring>

namespace ufvideo {
namespace {

/// Where a pixel's three values lie among 16 bytes, each as the low byte of 32 bits.
constexpr std::uint8_t kOrder[kTapGroup][16] = {
    {0, 255, 255, 255, 1, 255, 255, 255, 2, 255, 255, 255, 255, 255, 255, 255},
    {3, 255, 255, 255, 4, 255, 255, 255, 5, 255, 255, 255, 255, 255, 255, 255},
    {6, 255, 255, 255, 7, 255, 255, 255, 8, 255, 255, 255, 255, 255, 255, 255},
    {9, 255, 255, 255, 10, 255, 255, 255, 11, 255, 255, 255, 255, 255, 255, 255}};

void store_pixel(int32x4_t sum, std::uint8_t* out) {
  const uint16x4_t clamped = vqmovun_s32(vshrq_n_s32(sum, kFractionBits));
  const uint8x8_t bytes = vqmovn_u16(vcombine_u16(clamped, clamped));
  const std::uint32_t pixel = vget_lane_u32(vreinterpret_u32_u8(bytes), 0);
  std::memcpy(out, &pixel, kChannels);
}

void resize_rows(const Filter& filter, const std::uint8_t* in, int num_rows, int in_width,
                 int out_width, std::uint8_t* out) {
  uint8x16_t order[kTapGroup];
  for (int k = 0; k < kTapGroup; ++k) {
    order[k] = vld1q_u8(kOrder[k]);
  }
  for (int y = 0; y < num_rows; ++y) {
    const std::uint8_t* row = in + static_cast<std::size_t>(y) * in_width * kChannels;
    for (int x = 0; x < out_width; ++x, out += kChannels) {
      const Taps taps = filter.taps[x];
      const std::int32_t* weights = &filter.weights[static_cast<std::size_t>(x) * filter.stride];
      const std::uint8_t* pixel = row + static_cast<std::size_t>(taps.first) * kChannels;
      int32x4_t even = vdupq_n_s32(kHalf);
      int32x4_t odd = vdupq_n_s32(0);
      for (int i = 0; i < taps.count; i += kTapGroup, pixel += kTapGroupBytes) {
        const uint8x16_t bytes = vld1q_u8(pixel);
        const auto value = [&](int k) { return vreinterpretq_s32_u8(vqtbl1q_u8(bytes, order[k])); };
        even = vmlaq_n_s32(even, value(0), weights[i]);
        odd = vmlaq_n_s32(odd, value(1), weights[i + 1]);
        even = vmlaq_n_s32(even, value(2), weights[i + 2]);
        odd = vmlaq_n_s32(odd, value(3), weights[i + 3]);
      }
      store_pixel(vaddq_s32(even, odd), out);
    }
  }
}

void resize_column(const std::int32_t* weights, int count, const std::uint8_t* in,
                   std::size_t row_size, std::uint8_t* out) {
  constexpr std::size_t kBlock = 16;
  std::size_t j = 0;
  for (; j + kBlock <= row_size; j += kBlock) {
    int32x4_t sums[4];
    for (int32x4_t& sum : sums) {
      sum = vdupq_n_s32(kHalf);
    }
    for (int i = 0; i < count; ++i) {
      const uint8x16_t bytes = vld1q_u8(in + static_cast<std::size_t>(i) * row_size + j);
      const uint16x8_t lower = vmovl_u8(vget_low_u8(bytes));
      const uint16x8_t upper = vmovl_high_u8(bytes);
      const uint32x4_t values[4] = {vmovl_u16(vget_low_u16(lower)), vmovl_high_u16(lower),
                                    vmovl_u16(vget_low_u16(upper)), vmovl_high_u16(upper)};
      for (int v = 0; v < 4; ++v) {
        sums[v] = vmlaq_n_s32(sums[v], vreinterpretq_s32_u32(values[v]), weights[i]);
      }
    }
    uint16x4_t clamped[4];
    for (int v = 0; v < 4; ++v) {
      clamped[v] = vqmovun_s32(vshrq_n_s32(sums[v], kFractionBits));
    }
    vst1q_u8(out + j, vcombine_u8(vqmovn_u16(vcombine_u16(clamped[0], clamped[1])),
                                  vqmovn_u16(vcombine_u16(clamped[2], clamped[3]))));
  }
  resize_column_tail(weights, count, in, row_size, j, out);
}

}  // namespace

const ResizePasses* neon_passes() {
  static constexpr ResizePasses kPasses{resize_rows, resize_column};
  return &kPasses;
}

}  // namespace ufvideo

#else

namespace ufvideo {

const ResizePasses* neon_passes() { return nullptr; }

}  // namespace ufvideo

#endif
