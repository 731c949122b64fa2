#include "ufvideo/sampling.h"

#include <gtest/gtest.h>

#include "error_expectation.h"

namespace ufvideo {
namespace {

using Positions = std::vector<std::int64_t>;

// By hand: segments of (20 - 1) / 8 = 2.375 frames; exact halves go up.
TEST(SamplePositions, AreTheMiddlesOfEqualSegments) {
  EXPECT_EQ(sample_positions(20, 8), (Positions{1, 4, 6, 8, 11, 13, 15, 18}));
  EXPECT_EQ(sample_positions(4, 3), (Positions{1, 2, 3}));
}

TEST(SamplePositions, RepeatInAShortClip) {
  EXPECT_EQ(sample_positions(1, 4), (Positions{0, 0, 0, 0}));
  EXPECT_EQ(sample_positions(3, 8), (Positions{0, 0, 1, 1, 1, 1, 2, 2}));
}

TEST(SamplePositions, RefuseNumbersBelowOne) {
  expect_error(ErrorCode::kInvalidInput, {"1 or more frames", "got 0 and 8"},
               [] { sample_positions(0, 8); });
  expect_error(ErrorCode::kInvalidInput, {"got 8 and -1"}, [] { sample_positions(8, -1); });
}

}  // namespace
}  // namespace ufvideo
