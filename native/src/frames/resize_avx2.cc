#include "frames/resize_passes.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

// The compiler may use AVX2 in these functions alone; whether to call them is asked at run time.
#define UFVIDEO_AVX2 __attribute__((target("avx2")))

namespace ufvideo {
namespace {

/// Four pixels' values in 16 bits, two pixels side by side: r0 r1 g0 g1 b0 b1 0 0, and of the next
/// two pixels in the upper half.
UFVIDEO_AVX2 inline __m256i paired(const std::uint8_t* pixel) {
  const __m256i order =
      _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1,  //
                       6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(pixel));
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), order);
}

/// Four weights for `paired`: w0 w1 four times, w2 w3 four times.
UFVIDEO_AVX2 inline __m256i spread(const std::int16_t* weights) {
  const __m256i order = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
  const __m128i four = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(weights));
  return _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(four), order);
}

UFVIDEO_AVX2 inline void store_pixel(__m256i low, __m256i high, std::uint8_t* out) {
  const __m256i both = _mm256_add_epi32(low, _mm256_slli_epi32(high, kLowBits));
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
  sum = _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(kHalf)), kFractionBits);
  sum = _mm_packus_epi16(_mm_packs_epi32(sum, sum), sum);
  const std::int32_t pixel = _mm_cvtsi128_si32(sum);
  std::memcpy(out, &pixel, kChannels);
}

/// `kRows` rows at a time share the loads of weights.
template <int kRows>
UFVIDEO_AVX2 void resize_some_rows(const Filter& filter, const std::uint8_t* in,
                                   std::size_t in_step, int out_width, std::uint8_t* out) {
  const std::size_t out_step = static_cast<std::size_t>(out_width) * kChannels;
  for (int x = 0; x < out_width; ++x) {
    const Taps taps = filter.taps[x];
    const std::size_t at = static_cast<std::size_t>(x) * filter.stride;
    const std::uint8_t* pixel = in + static_cast<std::size_t>(taps.first) * kChannels;
    __m256i low[kRows];
    __m256i high[kRows];
    for (int r = 0; r < kRows; ++r) {
      low[r] = high[r] = _mm256_setzero_si256();
    }
    for (int i = 0; i < taps.count; i += kTapGroup, pixel += kTapGroupBytes) {
      const __m256i low_weights = spread(&filter.low[at + i]);
      const __m256i high_weights = spread(&filter.high[at + i]);
      for (int r = 0; r < kRows; ++r) {
        const __m256i values = paired(pixel + r * in_step);
        low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(values, low_weights));
        high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(values, high_weights));
      }
    }
    for (int r = 0; r < kRows; ++r) {
      store_pixel(low[r], high[r], out + r * out_step + static_cast<std::size_t>(x) * kChannels);
    }
  }
}

void resize_rows(const Filter& filter, const std::uint8_t* in, int num_rows, int in_width,
                 int out_width, std::uint8_t* out) {
  constexpr int kTogether = 4;
  const std::size_t in_step = static_cast<std::size_t>(in_width) * kChannels;
  const std::size_t out_step = static_cast<std::size_t>(out_width) * kChannels;
  int y = 0;
  for (; y + kTogether <= num_rows; y += kTogether) {
    resize_some_rows<kTogether>(filter, in + y * in_step, in_step, out_width, out + y * out_step);
  }
  for (; y < num_rows; ++y) {
    resize_some_rows<1>(filter, in + y * in_step, in_step, out_width, out + y * out_step);
  }
}

UFVIDEO_AVX2 inline __m256i eight_values(const std::uint8_t* in) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(in)));
}

UFVIDEO_AVX2 void resize_column(const std::int32_t* weights, int count, const std::uint8_t* in,
                                std::size_t row_size, std::uint8_t* out) {
  constexpr std::size_t kBlock = 32;
  constexpr std::size_t kLanes = 8;
  constexpr std::size_t kVectors = kBlock / kLanes;
  std::size_t j = 0;
  for (; j + kBlock <= row_size; j += kBlock) {
    __m256i sums[kVectors];
    for (__m256i& sum : sums) {
      sum = _mm256_set1_epi32(kHalf);
    }
    for (int i = 0; i < count; ++i) {
      const std::uint8_t* row = in + static_cast<std::size_t>(i) * row_size + j;
      const __m256i weight = _mm256_set1_epi32(weights[i]);
      for (std::size_t v = 0; v < kVectors; ++v) {
        sums[v] =
            _mm256_add_epi32(sums[v], _mm256_mullo_epi32(eight_values(row + v * kLanes), weight));
      }
    }
    for (__m256i& sum : sums) {
      sum = _mm256_srai_epi32(sum, kFractionBits);
    }
    // Packing works on each half: the order of the eight fours is put right at the end.
    const __m256i bytes = _mm256_packus_epi16(_mm256_packs_epi32(sums[0], sums[1]),
                                              _mm256_packs_epi32(sums[2], sums[3]));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + j),
                        _mm256_permutevar8x32_epi32(bytes, order));
  }
  resize_column_tail(weights, count, in, row_size, j, out);
}

}  // namespace

const ResizePasses* avx2_passes() {
  static constexpr ResizePasses kPasses{resize_rows, resize_column};
  return __builtin_cpu_supports("avx2") ? &kPasses : nullptr;
}

}  // namespace ufvideo

#else

namespace ufvideo {

const ResizePasses* avx2_passes() { return nullptr; }

}  // namespace ufvideo

#endif
