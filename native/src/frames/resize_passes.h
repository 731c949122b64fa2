#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ufvideo {

/// Values of a pixel: red, green, blue.
inline constexpr int kChannels = 3;
/// Pillow keeps 8 bits of the pixel and 2 spare bits beside the fraction in 32 bits.
inline constexpr int kFractionBits = 32 - 8 - 2;
/// What a sum starts at, so that dropping the fraction rounds it.
inline constexpr std::int32_t kHalf = 1 << (kFractionBits - 1);
/// Weights come in groups of so many, of which a vector pass multiplies all at once.
inline constexpr int kTapGroup = 4;
inline constexpr std::ptrdiff_t kTapGroupBytes = std::ptrdiff_t{kTapGroup} * kChannels;
/// Bits of a weight's lower part, where it is split into two 16-bit numbers.
inline constexpr int kLowBits = 15;
/// Bytes that a vector pass may read past the last pixel of a row; their weights are 0.
inline constexpr int kReadBeyond = 16;

/// Which input pixels make an output pixel: `count` of them from `first` on.
struct Taps {
  int first;
  int count;
};

/// How one direction is resized.
struct Filter {
  std::vector<Taps> taps;
  /// Weights of an output pixel, a multiple of kTapGroup; those behind its taps are 0.
  int stride;
  /// Fixed-point weights, `stride` of them for each output pixel.
  std::vector<std::int32_t> weights;
  /// The same in 16 bits: weight == high * 2^kLowBits + low, low from 0 on. Empty in the vertical
  /// filter, whose pass takes whole weights.
  std::vector<std::int16_t> low;
  std::vector<std::int16_t> high;
};

inline std::uint8_t to_pixel(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

/// The bytes of a row from `first` on, made of `count` rows: those that fill no vector.
inline void resize_column_tail(const std::int32_t* weights, int count, const std::uint8_t* in,
                               std::size_t row_size, std::size_t first, std::uint8_t* out) {
  for (std::size_t j = first; j < row_size; ++j) {
    std::int32_t sum = kHalf;
    for (int i = 0; i < count; ++i) {
      sum += in[static_cast<std::size_t>(i) * row_size + j] * weights[i];
    }
    out[j] = to_pixel(sum);
  }
}

/// The two passes of a resize, for one kind of processor. All give the same bits: sums of 32-bit
/// products are exact in any order.
struct ResizePasses {
  /// Resizes rows of in_width pixels to out_width. Up to kReadBeyond bytes behind each are
  /// readable.
  void (*rows)(const Filter& filter, const std::uint8_t* in, int num_rows, int in_width,
               int out_width, std::uint8_t* out);
  /// Writes one row of `row_size` bytes, made of `count` rows that follow each other from `in` on.
  void (*column)(const std::int32_t* weights, int count, const std::uint8_t* in,
                 std::size_t row_size, std::uint8_t* out);
};

/// Plain C++.
const ResizePasses& scalar_passes();
/// For AVX2, or null if this is no such processor.
const ResizePasses* avx2_passes();
/// For 64-bit Arm, or null if this is none.
const ResizePasses* neon_passes();

}  // namespace ufvideo
