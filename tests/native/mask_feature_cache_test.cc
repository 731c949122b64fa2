#include "mask_feature_cache.h"

#include <gtest/gtest.h>

namespace ufvideo {
namespace {

MaskFeatures features_of(float value) {
  Tensor map(DType::kFloat32, {1, 1, 5, 5});
  map.data<float>()[0] = value;
  return {map, Tensor(DType::kFloat32, {0}), Tensor(DType::kFloat32, {0})};
}

TEST(MaskFeatureCache, ForgetsTheLeastRecentlyUsedFirst) {
  MaskFeatureCache cache(250);
  cache.put(1, features_of(1));
  cache.put(2, features_of(2));
  EXPECT_EQ(cache.bytes(), 200u);
  ASSERT_NE(cache.find(1), nullptr);
  cache.put(3, features_of(3));
  EXPECT_EQ(cache.find(2), nullptr);
  EXPECT_EQ(cache.find(1)->image_features.data<float>()[0], 1.0f);
  EXPECT_EQ(cache.find(3)->image_features.data<float>()[0], 3.0f);
  EXPECT_EQ(cache.bytes(), 200u);
  cache.clear();
  EXPECT_EQ(cache.find(1), nullptr);
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(MaskFeatureCache, KeepsNothingLargerThanItsBound) {
  MaskFeatureCache cache(99);
  cache.put(1, features_of(1));
  EXPECT_EQ(cache.find(1), nullptr);
  EXPECT_EQ(cache.bytes(), 0u);
}

}  // namespace
}  // namespace ufvideo
