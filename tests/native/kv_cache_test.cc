#include "decode/kv_cache.h"

#include <gtest/gtest.h>

#include "error_expectation.h"

namespace ufvideo {
namespace {

TEST(KvCache, TakesMemoryInBlocksAndKeepsWhatItHolds) {
  KvCache cache(2, 3, 4, DType::kFloat32, 1000);
  EXPECT_EQ(cache.bytes(), 0u);
  cache.reserve(2);
  EXPECT_EQ(cache.capacity(), 256);
  for (int head = 0; head < 3; ++head) {
    Tensor keys = cache.keys(1);
    keys.data<float>()[head * 256 * 4 + 7] = static_cast<float>(head + 1);
  }
  cache.advance(2);
  cache.reserve(255);
  EXPECT_EQ(cache.capacity(), 512);
  for (int head = 0; head < 3; ++head) {
    EXPECT_EQ(cache.keys(1).data<float>()[head * 512 * 4 + 7], static_cast<float>(head + 1));
  }
  EXPECT_EQ(cache.bytes(), 2u * 2 * 3 * 512 * 4 * 4);
}

TEST(KvCache, NeverGrowsAboveTheContext) {
  KvCache cache(1, 1, 1, DType::kFloat16, 300);
  cache.reserve(300);
  EXPECT_EQ(cache.capacity(), 300);
  cache.advance(299);
  expect_error(ErrorCode::kOutOfMemory, {"300 positions", "301", "299 held", "2 new"},
               [&] { cache.reserve(2); });
  EXPECT_EQ(cache.length(), 299);
  cache.reserve(1);
}

TEST(KvCache, RewindsToWhatItHoldsOnly) {
  KvCache cache(1, 1, 1, DType::kFloat32, 100);
  cache.reserve(10);
  cache.advance(10);
  cache.rewind(4);
  EXPECT_EQ(cache.length(), 4);
  expect_error(ErrorCode::kInvalidState, {"0 to 4", "5"}, [&] { cache.rewind(5); });
  expect_error(ErrorCode::kInvalidState, {"room"}, [&] { cache.advance(97); });
}

}  // namespace
}  // namespace ufvideo
