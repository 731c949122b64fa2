#include "features/frame_cache.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace ufvideo {
namespace {

struct Features {
  std::int64_t frame_idx;
  std::size_t bytes() const { return 100; }
};

/// Asks for frames as a segmentation does; returns those that were found.
std::vector<std::int64_t> scan(FrameCache<Features>& cache, std::int64_t first, std::int64_t last) {
  cache.begin_scan();
  std::vector<std::int64_t> found;
  for (std::int64_t idx = first; idx < last; ++idx) {
    if (const Features* features = cache.find(idx)) {
      EXPECT_EQ(features->frame_idx, idx);
      found.push_back(idx);
    } else {
      cache.put(idx, {idx});
    }
  }
  return found;
}

using Indices = std::vector<std::int64_t>;

TEST(FrameCache, ASecondScanFindsAsManyFramesAsFit) {
  FrameCache<Features> cache(450);
  EXPECT_EQ(scan(cache, 0, 10), Indices{});
  EXPECT_EQ(cache.bytes(), 400u);
  EXPECT_EQ(scan(cache, 0, 10), (Indices{0, 1, 2, 3}));
  EXPECT_EQ(scan(cache, 0, 10), (Indices{0, 1, 2, 3}));
  EXPECT_EQ(cache.bytes(), 400u);
}

TEST(FrameCache, OtherFramesTakeThePlaceOfTheOldestScan) {
  FrameCache<Features> cache(400);
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
  FrameCache<Features> cache(100);
  scan(cache, 5, 6);
  EXPECT_EQ(cache.bytes(), 100u);
  cache.clear();
  EXPECT_EQ(cache.bytes(), 0u);
  EXPECT_EQ(scan(cache, 5, 6), Indices{});
  FrameCache<Features> too_small(99);
  scan(too_small, 5, 6);
  EXPECT_FALSE(too_small.holds(5));
  EXPECT_EQ(too_small.bytes(), 0u);
}

}  // namespace
}  // namespace ufvideo
