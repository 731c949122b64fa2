#include "kv/kv_cache.h"

#include <gtest/gtest.h>

#include "error_expectation.h"

namespace ufvideo {
namespace {

KvCache cache_of(int num_layers, int num_heads, int head_dim, DType dtype, int max_positions,
                 std::optional<std::size_t> max_bytes = std::nullopt) {
  return KvCache(std::make_shared<const KvCacheSizes>(
                     KvCacheSizes{num_layers, num_heads, head_dim, dtype, max_positions}),
                 std::make_shared<MemoryBudget>(MemoryLimits{std::nullopt, max_bytes}));
}

TEST(KvCache, TakesMemoryInBlocksAndKeepsWhatItHolds) {
  KvCache cache = cache_of(2, 3, 4, DType::kFloat32, 1000);
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
  KvCache cache = cache_of(1, 1, 1, DType::kFloat16, 300);
  cache.reserve(300);
  EXPECT_EQ(cache.capacity(), 300);
  cache.advance(299);
  expect_error(ErrorCode::kOutOfMemory, {"300 positions", "301", "299 held", "2 new"},
               [&] { cache.reserve(2); });
  EXPECT_EQ(cache.length(), 299);
  cache.reserve(1);
}

TEST(KvCache, RefusesWhatTheBudgetForbidsBeforeItTakesMemory) {
  // 8 bytes a position: 256 of them, and the next block beside one of the two old tensors.
  KvCache cache = cache_of(1, 1, 1, DType::kFloat32, 2000, 512 * 8 + 256 * 4);
  cache.reserve(200);
  Tensor keys = cache.keys(0);
  keys.data<float>()[199] = 7.0f;
  cache.advance(200);
  cache.reserve(300);
  EXPECT_EQ(cache.capacity(), 512);
  expect_error(ErrorCode::kOutOfMemory,
               {"KV cache", "1024 bytes more", "kv_cache_bytes: 5120", "768 positions", "4096"},
               [&] { cache.reserve(500); });
  EXPECT_EQ(cache.length(), 200);
  EXPECT_EQ(cache.capacity(), 512);
  EXPECT_EQ(cache.keys(0).data<float>()[199], 7.0f);
  cache.reserve(312);
}

TEST(KvCache, LeavesAReserveOfTheMachinesFreeMemory) {
  std::size_t free = 2400;
  const auto budget =
      std::make_shared<MemoryBudget>(MemoryLimits{}, [&] { return std::optional{free}; });
  KvCache cache(std::make_shared<const KvCacheSizes>(KvCacheSizes{1, 1, 1, DType::kFloat32, 2000}),
                budget);
  cache.reserve(256);
  cache.advance(256);
  free = 800;
  expect_error(ErrorCode::kOutOfMemory,
               {"free memory", "reserve", "700 bytes more", "512 positions", "2048 bytes are held"},
               [&] { cache.reserve(1); });
  EXPECT_EQ(cache.length(), 256);
  free = kMaxReservedBytes * 100;
  EXPECT_EQ(cache.lease().room(), kMaxReservedBytes * 99);
}

TEST(KvCache, GivesItsMemoryBackToTheBudget) {
  const auto budget = std::make_shared<MemoryBudget>(MemoryLimits{1 << 20});
  {
    KvCache cache(
        std::make_shared<const KvCacheSizes>(KvCacheSizes{2, 1, 4, DType::kFloat16, 2000}), budget);
    cache.reserve(300);
    EXPECT_EQ(budget->use().held(MemoryKind::kKvCache), cache.bytes());
    EXPECT_EQ(budget->use().held(MemoryKind::kKvCache), 512u * 32);
  }
  EXPECT_EQ(budget->use().held(MemoryKind::kKvCache), 0u);
}

TEST(KvCache, RewindsToWhatItHoldsOnly) {
  KvCache cache = cache_of(1, 1, 1, DType::kFloat32, 100);
  cache.reserve(10);
  cache.advance(10);
  cache.rewind(4);
  EXPECT_EQ(cache.length(), 4);
  expect_error(ErrorCode::kInvalidState, {"0 to 4", "5"}, [&] { cache.rewind(5); });
  expect_error(ErrorCode::kInvalidState, {"room"}, [&] { cache.advance(97); });
}

TEST(KvCache, IsUsedByOneAtATime) {
  const KvCache cache = cache_of(1, 1, 1, DType::kFloat32, 100);
  {
    const KvCache::Use use(cache);
    expect_error(ErrorCode::kInvalidState, {"KV cache", "one thread at a time"},
                 [&] { const KvCache::Use second(cache); });
  }
  EXPECT_NO_THROW(const KvCache::Use again(cache));
}

}  // namespace
}  // namespace ufvideo
