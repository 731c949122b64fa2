#include "tensor/logits_scan.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace ufvideo {
namespace {

// Independent maxima, so that compilers use vector instructions without being told that floating
// point may be reordered: a large vocabulary takes a third of the time.
constexpr std::int64_t kLanes = 16;
constexpr std::int64_t kBlock = 256;

float largest_of_block(const float* values) {
  std::array<float, kLanes> largest;
  std::copy_n(values, kLanes, largest.begin());
  for (std::int64_t i = kLanes; i < kBlock; i += kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      largest[lane] = std::max(largest[lane], values[i + lane]);
    }
  }
  return *std::max_element(largest.begin(), largest.end());
}

}  // namespace

bool all_finite(const float* values, std::int64_t count) {
  // All bits of the exponent are set in infinities and in what is no number.
  constexpr std::uint32_t kExponent = 0x7f800000U;
  std::uint32_t any = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, values + i, sizeof(bits));
    any |= static_cast<std::uint32_t>((bits & kExponent) == kExponent);
  }
  return any == 0;
}

std::int64_t first_of_largest(const float* values, std::int64_t begin, std::int64_t last) {
  std::int64_t best_block = begin;
  float largest = values[begin];
  std::int64_t i = begin;
  for (; i + kBlock <= last + 1; i += kBlock) {
    const float of_block = largest_of_block(values + i);
    if (of_block > largest) {
      largest = of_block;
      best_block = i;
    }
  }
  for (; i <= last; ++i) {
    if (values[i] > largest) {
      largest = values[i];
      best_block = i;
    }
  }
  return std::find(values + best_block, values + last, largest) - values;
}

}  // namespace ufvideo
