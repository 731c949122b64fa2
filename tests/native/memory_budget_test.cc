#include "config/memory_budget.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "error_expectation.h"

namespace ufvideo {
namespace {

std::shared_ptr<MemoryBudget> budget_of(MemoryLimits limits) {
  return std::make_shared<MemoryBudget>(limits, [] { return std::nullopt; });
}

const MemoryPurpose kCache{"KV cache", "to grow", "ask something shorter"};
const MemoryPurpose kClip{"clip", "for features", "open a shorter clip"};

TEST(MemoryBudget, CountsByKindAndInAll) {
  const auto budget = budget_of({1000});
  MemoryLease cache(budget, MemoryKind::kKvCache);
  MemoryLease pixels(budget, MemoryKind::kPixels);
  cache.grow(600, kCache);
  EXPECT_TRUE(pixels.try_grow(300));
  EXPECT_FALSE(pixels.try_grow(101));
  EXPECT_EQ(cache.room(), 100u);
  EXPECT_EQ(budget->use().held(MemoryKind::kKvCache), 600u);
  cache.shrink_to(50);
  const MemoryUse use = budget->use();
  EXPECT_EQ(use.total_bytes, 350u);
  EXPECT_EQ(use.peak_bytes, 900u);
  EXPECT_EQ(use.held(MemoryKind::kPixels), 300u);
  EXPECT_EQ(use.budget_bytes, 1000u);
}

TEST(MemoryBudget, RemembersTheMostOfEachKind) {
  const auto budget = budget_of({});
  MemoryLease region(budget, MemoryKind::kRegionFeatures);
  MemoryLease clip(budget, MemoryKind::kClipFeatures);
  region.grow(500, kClip);
  region.shrink_to(100);
  clip.grow(300, kClip);
  EXPECT_TRUE(region.try_become(MemoryKind::kClipFeatures));
  clip.shrink_to(0);
  const MemoryUse use = budget->use();
  EXPECT_EQ(use.peak(MemoryKind::kRegionFeatures), 500u);
  EXPECT_EQ(use.peak(MemoryKind::kClipFeatures), 400u);
  EXPECT_EQ(use.peak(MemoryKind::kPixels), 0u);
  EXPECT_EQ(use.peak_bytes, 500u);
}

TEST(MemoryBudget, NamesTheBoundThatLeavesLeast) {
  const auto budget = budget_of({1000, 400});
  MemoryLease cache(budget, MemoryKind::kKvCache);
  expect_error(ErrorCode::kOutOfMemory,
               {"KV cache", "400 bytes more", "kv_cache_bytes: 400", "asked for 401 to grow"},
               [&] { cache.grow(401, kCache); });
  MemoryLease clip(budget, MemoryKind::kClipFeatures);
  clip.grow(900, kClip);
  expect_error(
      ErrorCode::kOutOfMemory,
      {"100 bytes more", "memory_budget_bytes: 1000", "900 bytes are held by all sessions"},
      [&] { cache.grow(101, kCache); });
  EXPECT_EQ(cache.bytes(), 0u);
  EXPECT_EQ(budget->use().total_bytes, 900u);
}

/// What is held by nobody is not worth closing a session for.
TEST(MemoryBudget, AdvisesWhatHelps) {
  const auto budget = budget_of({1000, 400});
  MemoryLease cache(budget, MemoryKind::kKvCache);
  expect_error(ErrorCode::kOutOfMemory,
               {"0 bytes are held by all sessions of the model; raise kv_cache_bytes, or ask "
                "something shorter"},
               [&] { cache.grow(401, kCache); });
  cache.grow(400, kCache);
  MemoryLease clip(budget, MemoryKind::kClipFeatures);
  expect_error(ErrorCode::kOutOfMemory,
               {"400 bytes are held by all sessions of the model; close or reset sessions that "
                "are not needed, raise memory_budget_bytes, or open a shorter clip"},
               [&] { clip.grow(601, kClip); });
}

TEST(MemoryBudget, ALeaseGivesBackWhatItHolds) {
  const auto budget = budget_of({100});
  {
    MemoryLease first(budget, MemoryKind::kKvCache);
    first.grow(60, kClip);
    MemoryLease second(std::move(first));
    EXPECT_EQ(second.bytes(), 60u);
    first = MemoryLease(budget, MemoryKind::kPixels);
    EXPECT_TRUE(first.try_grow(40));
    second = std::move(first);
    EXPECT_EQ(budget->use().total_bytes, 40u);
  }
  EXPECT_EQ(budget->use().total_bytes, 0u);
}

TEST(MemoryBudget, EvictsForNeededMemoryOnlyAndNotForAKindsOwnBound) {
  const auto budget = budget_of({100, 70});
  MemoryLease kept(budget, MemoryKind::kMaskFeatures);
  kept.grow(60, kClip);
  int num_evictions = 0;
  budget->set_evict([&](std::size_t bytes) {
    ++num_evictions;
    EXPECT_EQ(bytes, 20u);
    const std::size_t freed = kept.bytes();
    kept.shrink_to(0);
    return freed;
  });
  MemoryLease cache(budget, MemoryKind::kKvCache);
  EXPECT_FALSE(cache.try_grow(60));
  EXPECT_EQ(cache.room(), 40u);
  EXPECT_EQ(cache.room(/*evicting=*/true), 70u);
  expect_error(ErrorCode::kOutOfMemory, {"kv_cache_bytes: 70"}, [&] { cache.grow(71, kCache); });
  EXPECT_EQ(num_evictions, 0);
  cache.grow(60, kCache);
  EXPECT_EQ(num_evictions, 1);
  EXPECT_EQ(budget->use().total_bytes, 60u);
}

TEST(MemoryBudget, PromisesFreeMemoryOnce) {
  std::size_t free = 800;
  const auto budget =
      std::make_shared<MemoryBudget>(MemoryLimits{}, [&] { return std::optional{free}; });
  MemoryLease first(budget, MemoryKind::kKvCache, /*is_new=*/true);
  MemoryLease second(budget, MemoryKind::kKvCache, /*is_new=*/true);
  // An eighth of it is left to everything else.
  first.grow(500, kCache);
  // Not allocated yet: the system still counts all 800 as free.
  EXPECT_EQ(second.room(), 200u);
  expect_error(
      ErrorCode::kOutOfMemory,
      {"200 bytes more", "free memory less a reserve", "leave the machine more free memory"},
      [&] { second.grow(201, kCache); });
  free = 300;
  first.shrink_to(500);
  EXPECT_EQ(second.room(), 263u);
  // What is allocated already, features and pixels, has no bound but its own number.
  MemoryLease pixels(budget, MemoryKind::kPixels);
  EXPECT_TRUE(pixels.try_grow(1'000'000));
}

TEST(MemoryBudget, BytesBecomeAnotherKindWithinItsBound) {
  MemoryLimits limits;
  limits.region_cache_bytes = 100;
  const auto budget = budget_of(limits);
  MemoryLease clip(budget, MemoryKind::kClipFeatures);
  clip.grow(101, kClip);
  EXPECT_FALSE(clip.try_become(MemoryKind::kRegionFeatures));
  clip.shrink_to(100);
  EXPECT_TRUE(clip.try_become(MemoryKind::kRegionFeatures));
  EXPECT_EQ(budget->use().held(MemoryKind::kClipFeatures), 0u);
  EXPECT_EQ(budget->use().held(MemoryKind::kRegionFeatures), 100u);
}

/// Leases of 16 threads that grow at once; some are evicted, some give back, some are refused.
TEST(MemoryBudget, ThreadsThatGrowAtOnceStayWithinIt) {
  constexpr std::size_t kLimit = 200'000;
  constexpr int kThreads = 16;
  const auto budget = budget_of({kLimit});
  std::mutex mutex;
  std::vector<MemoryLease> kept;
  budget->set_evict([&](std::size_t) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (kept.empty()) {
      return std::size_t{0};
    }
    const std::size_t freed = kept.back().bytes();
    kept.pop_back();
    return freed;
  });
  /// What really is held, counted apart: never below what the budget says.
  std::atomic<std::size_t> held{0};
  std::atomic<int> num_refused{0};
  std::atomic<int> num_ready{0};
  std::atomic<int> num_grown{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      ++num_ready;
      while (num_ready < kThreads) {
        std::this_thread::yield();
      }
      for (int round = 0; round < 300; ++round) {
        MemoryLease lease(budget, MemoryKind::kKvCache);
        try {
          for (int step = 1; step < 20; ++step) {
            lease.grow(static_cast<std::size_t>(i + step) * 97, kCache);
            held += static_cast<std::size_t>(i + step) * 97;
            EXPECT_LE(held, kLimit);
          }
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
          ++num_refused;
        }
        if (round == 0) {
          // All hold what they have got: together they have asked for more than there is.
          ++num_grown;
          while (num_grown < kThreads) {
            std::this_thread::yield();
          }
        }
        held -= lease.bytes();
        MemoryLease pixels(budget, MemoryKind::kPixels);
        if (pixels.try_grow(1000)) {
          const std::lock_guard<std::mutex> lock(mutex);
          kept.push_back(std::move(pixels));
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(held, 0u);
  EXPECT_GT(num_refused, 0);
  EXPECT_LE(budget->use().peak_bytes, kLimit);
  EXPECT_GT(budget->use().peak_bytes, kLimit / 2);
  EXPECT_EQ(budget->use().held(MemoryKind::kPixels), kept.size() * 1000);
  EXPECT_EQ(budget->use().held(MemoryKind::kKvCache), 0u);
}

}  // namespace
}  // namespace ufvideo
