#include "tensor/logits_scan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace ufvideo {
namespace {

std::vector<float> random_values(std::int64_t count) {
  std::mt19937 engine(static_cast<unsigned>(count));
  std::vector<float> values(count);
  for (float& value : values) {
    // Few different ones, negative too: the largest comes more than once.
    value = static_cast<float>(engine() % 16) - 20.0f;
  }
  return values;
}

TEST(LogitsScan, FindsTheFirstOfTheLargestInAnyRange) {
  for (const std::int64_t count : {1, 15, 16, 255, 256, 257, 1000, 4096}) {
    const std::vector<float> values = random_values(count);
    for (const std::int64_t begin : {std::int64_t{0}, count / 3, count - 1}) {
      const auto expected = std::max_element(values.begin() + begin, values.end());
      EXPECT_EQ(first_of_largest(values.data(), begin, count - 1), expected - values.begin())
          << begin << " of " << count;
    }
  }
}

TEST(LogitsScan, LooksAtNothingOutsideTheRange) {
  std::vector<float> values = random_values(600);
  values[99] = values[500] = 100.0f;
  const auto expected = std::max_element(values.begin() + 100, values.begin() + 500);
  EXPECT_EQ(first_of_largest(values.data(), 100, 499), expected - values.begin());
}

TEST(LogitsScan, SeesWhatIsNotFiniteAnywhere) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const std::int64_t count : {1, 17, 1000}) {
    std::vector<float> values = random_values(count);
    values.back() = std::numeric_limits<float>::max();
    EXPECT_TRUE(all_finite(values.data(), count));
    for (const std::int64_t place : {std::int64_t{0}, count / 2, count - 1}) {
      for (const float bad : {kInfinity, -kInfinity, std::nanf("")}) {
        std::vector<float> changed = values;
        changed[place] = bad;
        EXPECT_FALSE(all_finite(changed.data(), count)) << bad << " at " << place;
      }
    }
  }
  EXPECT_TRUE(all_finite(nullptr, 0));
}

}  // namespace
}  // namespace ufvideo
