#include "stream/frame_change.h"

#include <gtest/gtest.h>

#include <vector>

#include "error_expectation.h"

namespace ufvideo {
namespace {

/// Features float32 [1, P, 2] of patches that are all (1, 0), with some others.
Tensor features(std::int64_t num_patches, const std::vector<std::vector<float>>& others = {}) {
  Tensor tensor(DType::kFloat32, {1, num_patches, 2});
  float* data = tensor.data<float>();
  for (std::int64_t patch = 0; patch < num_patches; ++patch) {
    const auto at = static_cast<std::size_t>(patch);
    data[2 * at] = at < others.size() ? others[at][0] : 1.0F;
    data[2 * at + 1] = at < others.size() ? others[at][1] : 0.0F;
  }
  return tensor;
}

TEST(FrameChange, IsNothingForEqualFrames) {
  EXPECT_EQ(frame_change(features(64), features(64)), 0.0);
  EXPECT_EQ(frame_change(features(1, {{0.0F, 0.0F}}), features(1, {{0.0F, 0.0F}})), 0.0);
}

TEST(FrameChange, IsAHalfForOrthogonalPatchesAndOneForOppositeOnes) {
  EXPECT_DOUBLE_EQ(frame_change(features(1), features(1, {{0.0F, 1.0F}})), 0.5);
  EXPECT_DOUBLE_EQ(frame_change(features(1), features(1, {{-1.0F, 0.0F}})), 1.0);
}

TEST(FrameChange, CountsTheMostChangedSixteenthOfThePatches) {
  // 64 patches: four count, wherever they lie.
  EXPECT_DOUBLE_EQ(frame_change(features(64), features(64, {{0.0F, 1.0F}})), 0.125);
  const std::vector<std::vector<float>> four(4, {0.0F, 1.0F});
  const std::vector<std::vector<float>> all(64, {0.0F, 1.0F});
  EXPECT_DOUBLE_EQ(frame_change(features(64), features(64, four)), 0.5);
  EXPECT_DOUBLE_EQ(frame_change(features(64), features(64, all)), 0.5);
}

TEST(FrameChange, RefusesOtherShapes) {
  expect_error(ErrorCode::kInvalidInput, {"features [P, Dv] of one shape"},
               [] { frame_change(features(4), features(8)); });
}

}  // namespace
}  // namespace ufvideo
