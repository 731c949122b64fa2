#include "tracking/memory_bank.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>
#include <vector>

namespace ufvideo {
namespace {

/// SAM 2's own numbers.
constexpr BankLimits kSam2{7, 6, 16, 4};
constexpr std::size_t kFeatureBytes = 4 * sizeof(float);
constexpr std::size_t kPointerBytes = 2 * sizeof(float);

/// A memory that says which frame it is of.
FrameMemory memory_of(int frame) {
  FrameMemory memory{Tensor(DType::kFloat32, {1, 1, 2, 2}), Tensor(DType::kFloat32, {1, 2})};
  memory.features.data<float>()[0] = static_cast<float>(frame);
  memory.pointer.data<float>()[0] = static_cast<float>(frame);
  return memory;
}

/// A bank that has seen frames 0 to num_frames - 1, of which some were prompted.
MemoryBank bank_of(int num_frames, const std::set<int>& prompted, const BankLimits& limits) {
  MemoryBank bank(limits);
  for (int frame = 0; frame < num_frames; ++frame) {
    const bool was_prompted = prompted.count(frame) != 0;
    bank.remember(memory_of(frame), was_prompted ? FrameKind::kPrompted : FrameKind::kPlain);
  }
  return bank;
}

std::vector<int> frames_of(const std::vector<Tensor>& tensors) {
  std::vector<int> frames;
  for (const Tensor& tensor : tensors) {
    frames.push_back(static_cast<int>(tensor.data<float>()[0]));
  }
  return frames;
}

using Ages = std::vector<std::pair<int, int>>;

/// Frame and row of the temporal encoding of each memory.
Ages ages_of(const Recall& recall) {
  const std::vector<int> frames = frames_of(recall.features);
  EXPECT_EQ(frames.size(), recall.ages.size());
  Ages ages;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    ages.emplace_back(frames[i], static_cast<int>(recall.ages[i]));
  }
  return ages;
}

TEST(MemoryBankTest, TheSecondFrameReadsThePromptedOne) {
  const MemoryBank empty(kSam2);
  EXPECT_TRUE(empty.empty());
  EXPECT_EQ(empty.bytes(), 0u);
  const Recall recall = bank_of(1, {0}, kSam2).recall();
  EXPECT_EQ(ages_of(recall), (Ages{{0, 6}}));
  EXPECT_EQ(frames_of(recall.pointers), std::vector<int>{0});
}

TEST(MemoryBankTest, GrowsToThePromptedFrameAndTheLastSix) {
  EXPECT_EQ(ages_of(bank_of(4, {0}, kSam2).recall()), (Ages{{0, 6}, {1, 2}, {2, 1}, {3, 0}}));
  const Ages full{{0, 6}, {1, 5}, {2, 4}, {3, 3}, {4, 2}, {5, 1}, {6, 0}};
  EXPECT_EQ(ages_of(bank_of(7, {0}, kSam2).recall()), full);
  const Ages later{{0, 6}, {94, 5}, {95, 4}, {96, 3}, {97, 2}, {98, 1}, {99, 0}};
  EXPECT_EQ(ages_of(bank_of(100, {0}, kSam2).recall()), later);
}

TEST(MemoryBankTest, PointersAreThoseOfThePromptedFrameAndTheLastFifteenLatestFirst) {
  EXPECT_EQ(frames_of(bank_of(3, {0}, kSam2).recall().pointers), (std::vector<int>{0, 2, 1}));
  std::vector<int> expected{0};
  for (int frame = 99; frame >= 85; --frame) {
    expected.push_back(frame);
  }
  EXPECT_EQ(frames_of(bank_of(100, {0}, kSam2).recall().pointers), expected);
}

TEST(MemoryBankTest, APromptedFrameLeavesItsPlaceAmongTheOthersEmpty) {
  const Recall recall = bank_of(9, {0, 5}, kSam2).recall();
  // Frame 2 does not move up, and frame 5 has no age.
  EXPECT_EQ(ages_of(recall), (Ages{{0, 6}, {5, 6}, {3, 5}, {4, 4}, {6, 2}, {7, 1}, {8, 0}}));
  EXPECT_EQ(frames_of(recall.pointers), (std::vector<int>{0, 5, 8, 7, 6, 4, 3, 2, 1}));
  // Once it is far back, the bank is full again.
  EXPECT_EQ(bank_of(30, {0, 5}, kSam2).recall().features.size(), 8u);
  EXPECT_EQ(bank_of(30, {0, 5}, kSam2).recall().pointers.size(), 17u);
}

TEST(MemoryBankTest, KeepsTheNearestPromptedFramesAndTheOthersAsPlainOnes) {
  const BankLimits two{7, 6, 16, 2};
  // Frames 3 and 0 were prompted too: 3 is among the last six, 0 is not.
  const Recall recall = bank_of(8, {0, 3, 5, 6}, two).recall();
  EXPECT_EQ(ages_of(recall), (Ages{{5, 6}, {6, 6}, {2, 5}, {3, 4}, {4, 3}, {7, 0}}));
  EXPECT_EQ(frames_of(recall.pointers), (std::vector<int>{5, 6, 7, 4, 3, 2, 1, 0}));
  const Recall later = bank_of(40, {0, 3, 5, 6}, two).recall();
  EXPECT_EQ(frames_of(later.features), (std::vector<int>{5, 6, 34, 35, 36, 37, 38, 39}));
}

TEST(MemoryBankTest, FewerMemoriesNarrowTheWindowAlone) {
  const BankLimits three{3, 6, 16, 4};
  const Recall recall = bank_of(20, {0}, three).recall();
  EXPECT_EQ(ages_of(recall), (Ages{{0, 6}, {18, 1}, {19, 0}}));
  EXPECT_EQ(recall.pointers.size(), 16u);
  const BankLimits one{1, 6, 16, 4};
  EXPECT_EQ(ages_of(bank_of(20, {0}, one).recall()), (Ages{{0, 6}}));
  EXPECT_EQ(bank_of(20, {0}, one).recall().pointers.size(), 16u);
}

TEST(MemoryBankTest, FewerPointersThanMemories) {
  const BankLimits limits{7, 6, 2, 4};
  const Recall recall = bank_of(20, {0}, limits).recall();
  EXPECT_EQ(recall.features.size(), 7u);
  EXPECT_EQ(frames_of(recall.pointers), (std::vector<int>{0, 19}));
}

TEST(MemoryBankTest, HoldsABoundedNumberOfBytesWhateverTheLength) {
  const std::size_t full = 7 * kFeatureBytes + 16 * kPointerBytes;
  EXPECT_EQ(bank_of(16, {0}, kSam2).bytes(), full);
  EXPECT_EQ(bank_of(100000, {0}, kSam2).bytes(), full);
  std::set<int> every;
  for (int frame = 0; frame < 1000; ++frame) {
    every.insert(frame);
  }
  // Prompted on each: four count, those before within the windows of the others.
  const Recall recall = bank_of(1000, every, kSam2).recall();
  EXPECT_EQ(ages_of(recall), (Ages{{996, 6}, {997, 6}, {998, 6}, {999, 6}, {994, 5}, {995, 4}}));
  EXPECT_EQ(bank_of(1000, every, kSam2).bytes(), 6 * kFeatureBytes + 15 * kPointerBytes);
}

TEST(MemoryBankTest, SettlesWhenTheLastPointerHasItsPlace) {
  EXPECT_FALSE(bank_of(15, {0}, kSam2).is_settled());
  EXPECT_TRUE(bank_of(16, {0}, kSam2).is_settled());
  EXPECT_EQ(bank_of(16, {0}, kSam2).recall().pointers.size(),
            bank_of(90, {0}, kSam2).recall().pointers.size());
}

TEST(MemoryBankTest, DistractorFramesTakeThePlacesOfTheLastOnes) {
  BankLimits limits = kSam2;
  limits.max_distractors = 3;
  MemoryBank bank(limits);
  const std::set<int> distractors{4, 10, 16, 22};
  for (int frame = 0; frame < 30; ++frame) {
    const FrameKind kind = frame == 0                      ? FrameKind::kPrompted
                           : distractors.count(frame) != 0 ? FrameKind::kDistractor
                                                           : FrameKind::kPlain;
    bank.remember(memory_of(frame), kind);
    if (frame == 6) {
      // One of them, and a hole where it lies among the last five.
      EXPECT_EQ(ages_of(bank.recall()), (Ages{{0, 6}, {4, 6}, {2, 4}, {3, 3}, {5, 1}, {6, 0}}));
    }
  }
  const Recall recall = bank.recall();
  EXPECT_EQ(ages_of(recall), (Ages{{0, 6}, {10, 6}, {16, 6}, {22, 6}, {27, 2}, {28, 1}, {29, 0}}));
  // Pointers follow SAM 2's rule.
  EXPECT_EQ(recall.pointers.size(), 16u);
  EXPECT_EQ(frames_of(recall.pointers)[8], 22);
  EXPECT_EQ(bank.bytes(), 7 * kFeatureBytes + 16 * kPointerBytes);
}

TEST(MemoryBankTest, ACopyRemembersByItself) {
  const MemoryBank bank = bank_of(3, {0}, kSam2);
  MemoryBank next = bank;
  next.remember(memory_of(3), FrameKind::kPlain);
  EXPECT_EQ(bank.recall().features.size(), 3u);
  EXPECT_EQ(next.recall().features.size(), 4u);
}

}  // namespace
}  // namespace ufvideo
