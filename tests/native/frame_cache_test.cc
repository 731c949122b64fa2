#include "features/frame_cache.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "error_expectation.h"

namespace ufvideo {
namespace {

struct Features {
  std::int64_t frame_idx;
  std::size_t bytes() const { return 100; }
};

/// A cache of its own budget, whose kept entries may take so many bytes.
struct Cache {
  explicit Cache(std::size_t max_bytes,
                 std::optional<std::size_t> memory_budget_bytes = std::nullopt)
      : budget(std::make_shared<MemoryBudget>(
            MemoryLimits{memory_budget_bytes, std::nullopt, max_bytes})) {}

  bool holds(std::int64_t idx) const { return frames.holds({1, idx}); }
  std::size_t bytes() const { return frames.bytes(1); }

  std::shared_ptr<MemoryBudget> budget;
  FrameCache<Features> frames{budget, MemoryKind::kRegionFeatures, MemoryKind::kClipFeatures};
  std::uint64_t num_scans = 0;
};

/// Asks for frames as a segmentation does; returns those that were found.
std::vector<std::int64_t> scan(Cache& cache, std::int64_t first, std::int64_t last) {
  const std::uint64_t number = ++cache.num_scans;
  std::vector<std::int64_t> found;
  for (std::int64_t idx = first; idx < last; ++idx) {
    if (const auto features = cache.frames.find({1, idx}, number)) {
      EXPECT_EQ(features->frame_idx, idx);
      found.push_back(idx);
    } else {
      cache.frames.put({1, idx}, {idx}, number);
    }
  }
  return found;
}

using Indices = std::vector<std::int64_t>;

TEST(FrameCache, ASecondScanFindsAsManyFramesAsFit) {
  Cache cache(450);
  EXPECT_EQ(scan(cache, 0, 10), Indices{});
  EXPECT_EQ(cache.bytes(), 400u);
  EXPECT_EQ(scan(cache, 0, 10), (Indices{0, 1, 2, 3}));
  EXPECT_EQ(scan(cache, 0, 10), (Indices{0, 1, 2, 3}));
  EXPECT_EQ(cache.bytes(), 400u);
}

TEST(FrameCache, OtherFramesTakeThePlaceOfTheOldestScan) {
  Cache cache(400);
  scan(cache, 0, 4);
  EXPECT_EQ(scan(cache, 20, 22), Indices{});
  EXPECT_EQ(scan(cache, 20, 22), (Indices{20, 21}));
  // What the pair displaced is the end of the first scan, not its beginning.
  EXPECT_TRUE(cache.holds(0) && cache.holds(1));
  EXPECT_FALSE(cache.holds(2) || cache.holds(3));
  // Two working sets that fit side by side both stay.
  EXPECT_EQ(scan(cache, 30, 32), Indices{});
  EXPECT_EQ(scan(cache, 20, 22), (Indices{20, 21}));
  EXPECT_EQ(scan(cache, 30, 32), (Indices{30, 31}));
  EXPECT_EQ(scan(cache, 0, 4), Indices{});
  EXPECT_EQ(scan(cache, 0, 4), (Indices{0, 1, 2, 3}));
}

TEST(FrameCache, ClearsAndKeepsNothingLargerThanItsBound) {
  Cache cache(100);
  scan(cache, 5, 6);
  EXPECT_EQ(cache.bytes(), 100u);
  cache.frames.erase_source(1, /*pinned_too=*/false);
  EXPECT_EQ(cache.bytes(), 0u);
  EXPECT_EQ(scan(cache, 5, 6), Indices{});
  Cache too_small(99);
  scan(too_small, 5, 6);
  EXPECT_FALSE(too_small.holds(5));
  EXPECT_EQ(too_small.bytes(), 0u);
}

TEST(FrameCache, EvictsNothingThatSomebodyHolds) {
  Cache cache(200);
  const auto held = cache.frames.put({1, 0}, {0}, 1);
  cache.frames.put({1, 1}, {1}, 1);
  // The last frame of the oldest scan goes first; then only what is held is left.
  cache.frames.put({2, 7}, {7}, 2);
  cache.frames.put({2, 8}, {8}, 2);
  EXPECT_TRUE(cache.holds(0));
  EXPECT_FALSE(cache.holds(1));
  EXPECT_EQ(cache.frames.bytes(2), 100u);
  EXPECT_EQ(cache.frames.evict(1000), 100u);
  EXPECT_TRUE(cache.holds(0));
  EXPECT_EQ(cache.budget->use().total_bytes, 100u);
}

TEST(FrameCache, WhatSomebodyHoldsCountsUntilItIsFree) {
  Cache cache(200);
  auto held = cache.frames.put({1, 0}, {0}, 1);
  cache.frames.erase_source(1, /*pinned_too=*/true);
  EXPECT_FALSE(cache.holds(0));
  EXPECT_EQ(cache.budget->use().total_bytes, 100u);
  held.reset();
  EXPECT_EQ(cache.budget->use().total_bytes, 0u);
}

TEST(FrameCache, PinnedFramesCountAsAnotherKindAndStay) {
  Cache cache(100);
  const auto first = cache.frames.pin({1, 0}, {0});
  auto second = cache.frames.pin({1, 1}, {1});
  EXPECT_EQ(cache.frames.pin({1, 1})->frame_idx, 1);
  EXPECT_EQ(cache.frames.pin({1, 2}), nullptr);
  EXPECT_EQ(cache.budget->use().held(MemoryKind::kClipFeatures), 200u);
  EXPECT_EQ(cache.frames.evict(1000), 0u);
  cache.frames.unpin({1, 1}, second, 5);
  EXPECT_EQ(cache.budget->use().held(MemoryKind::kRegionFeatures), 0u);
  cache.frames.unpin({1, 1}, second, 5);
  EXPECT_EQ(cache.budget->use().held(MemoryKind::kRegionFeatures), 100u);
  second.reset();
  // The later clip's frame takes its place; pinning it again would have kept it.
  cache.frames.unpin({1, 0}, first, 6);
  EXPECT_TRUE(cache.holds(0));
  EXPECT_FALSE(cache.holds(1));
  EXPECT_EQ(cache.budget->use().total_bytes, 100u);
}

/// A source that is cleared while clips of it are open: each ends its own pins alone.
TEST(FrameCache, APinOfAnErasedFrameReleasesNoOtherOne) {
  Cache cache(1000);
  auto erased = cache.frames.pin({1, 0}, {0});
  cache.frames.erase_source(1, /*pinned_too=*/true);
  auto replaced = cache.frames.pin({1, 0}, {0});
  cache.frames.unpin({1, 0}, erased, 1);
  erased.reset();
  EXPECT_EQ(cache.budget->use().held(MemoryKind::kClipFeatures), 100u);
  cache.frames.unpin({1, 0}, replaced, 2);
  replaced.reset();
  EXPECT_EQ(cache.budget->use().held(MemoryKind::kRegionFeatures), 100u);
  EXPECT_EQ(cache.frames.evict(100), 100u);
  EXPECT_EQ(cache.frames.evict(100), 0u);
  EXPECT_FALSE(cache.holds(0));
  EXPECT_EQ(cache.budget->use().total_bytes, 0u);
}

TEST(FrameCache, APinnedFrameThatFindsNoRoomIsRefused) {
  Cache cache(100, 150);
  cache.frames.pin({1, 0}, {0});
  expect_error(ErrorCode::kOutOfMemory, {"clip", "50 bytes more", "memory_budget_bytes: 150"},
               [&] { cache.frames.pin({1, 1}, {1}); });
  EXPECT_FALSE(cache.holds(1));
  EXPECT_EQ(cache.budget->use().total_bytes, 100u);
}

}  // namespace
}  // namespace ufvideo
