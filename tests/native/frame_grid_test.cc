#include "stream/frame_grid.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "error_expectation.h"

namespace ufvideo {
namespace {

/// Times of those that are taken, of frames at these times.
std::vector<double> taken(FrameGrid& grid, const std::vector<double>& times) {
  std::vector<double> found;
  for (const double time : times) {
    const FrameGrid::Verdict verdict = grid.judge(time);
    if (verdict == FrameGrid::Verdict::kTaken) {
      found.push_back(time);
    }
    if (verdict != FrameGrid::Verdict::kLate) {
      grid.pass(time);
    }
  }
  return found;
}

TEST(FrameGrid, TakesTheFirstFrameAtEachPoint) {
  FrameGrid grid(1.0);
  EXPECT_EQ(taken(grid, {5.0, 5.5, 6.0, 6.4, 6.8, 7.2, 7.9, 8.1}),
            (std::vector<double>{5.0, 6.0, 7.2, 7.9}));
}

TEST(FrameGrid, JitterSkipsNoFrame) {
  FrameGrid grid(2.0);
  const std::vector<double> times{0.0, 0.49, 1.03, 1.46, 2.0, 2.52, 2.97};
  EXPECT_EQ(taken(grid, times), times);
}

TEST(FrameGrid, RoundedTimesSkipNoFrame) {
  FrameGrid grid(30.0);
  std::vector<double> times;
  for (int i = 0; i < 1000; ++i) {
    times.push_back(1e6 + i / 30.0);
  }
  EXPECT_EQ(taken(grid, times), times);
}

TEST(FrameGrid, AHoleMakesNoFrameCountTwice) {
  FrameGrid grid(1.0);
  EXPECT_EQ(taken(grid, {0.0, 7.3, 7.4, 8.0, 8.1}), (std::vector<double>{0.0, 7.3, 8.0}));
}

TEST(FrameGrid, ARepeatedTimeIsLateAndAJumpBackIsAnError) {
  FrameGrid grid(1.0);
  taken(grid, {0.0, 10.0});
  EXPECT_EQ(grid.judge(10.0), FrameGrid::Verdict::kLate);
  EXPECT_EQ(grid.judge(9.5), FrameGrid::Verdict::kLate);
  expect_error(ErrorCode::kInvalidInput, {"expected a time after 10 s", "got 9 s"},
               [&] { grid.judge(9.0); });
  for (const double wrong : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    expect_error(ErrorCode::kInvalidInput, {"finite seconds"}, [&] { grid.judge(wrong); });
  }
  // A clock that is wrong by so much must not keep out the frames behind it.
  for (const double wrong : {1e300, 5e15, -5e15}) {
    expect_error(ErrorCode::kInvalidInput, {"times of their own"}, [&] { grid.judge(wrong); });
  }
  EXPECT_EQ(grid.judge(1e12), FrameGrid::Verdict::kTaken);
}

}  // namespace
}  // namespace ufvideo
