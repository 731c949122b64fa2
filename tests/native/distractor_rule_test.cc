#include "tracking/distractor_rule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace ufvideo {
namespace {

constexpr int kSide = 20;

struct Square {
  int top;
  int left;
  int size;
};

/// Logits of three candidates, each some squares.
Tensor candidates(const std::vector<std::vector<Square>>& masks) {
  Tensor logits(DType::kFloat32, {3, kSide, kSide});
  std::fill_n(logits.data<float>(), logits.elements(), -1.0f);
  for (std::size_t candidate = 0; candidate < masks.size(); ++candidate) {
    for (const Square& square : masks[candidate]) {
      for (int row = square.top; row < square.top + square.size; ++row) {
        float* first = logits.data<float>() + (candidate * kSide + row) * kSide + square.left;
        std::fill_n(first, square.size, 1.0f);
      }
    }
  }
  return logits;
}

/// Candidate 1 is taken: 4 x 4. A rival of one candidate lies beside it.
Tensor with_rival() { return candidates({{{0, 0, 4}}, {{0, 0, 4}}, {{0, 10, 3}}}); }
Tensor without_rival() { return candidates({{{0, 0, 4}}, {{0, 0, 4}}, {{1, 1, 2}}}); }

TEST(RivalBoxIouTest, IsOneWithoutARival) {
  EXPECT_EQ(rival_box_iou({without_rival(), 1, 0.9f}), 1.0f);
  EXPECT_EQ(rival_box_iou({candidates({{}, {{0, 0, 4}}, {}}), 1, 0.9f}), 1.0f);
}

TEST(RivalBoxIouTest, ComparesTheBoxWithThatAroundBoth) {
  // 4 x 4 against 4 x 13.
  EXPECT_FLOAT_EQ(rival_box_iou({with_rival(), 1, 0.9f}), 16.0f / 52.0f);
}

TEST(RivalBoxIouTest, TheLargestPartOutsideTheMaskCounts) {
  // A single pixel far away, and a part of 2 x 2 that touches itself at a corner.
  const Tensor logits =
      candidates({{{0, 0, 4}, {19, 19, 1}, {0, 4, 1}, {1, 5, 1}}, {{0, 0, 4}}, {}});
  EXPECT_FLOAT_EQ(rival_box_iou({logits, 1, 0.9f}), 16.0f / (4.0f * 6.0f));
}

TEST(RivalBoxIouTest, TheStrongestRivalCounts) {
  const Tensor logits = candidates({{{0, 6, 2}}, {{0, 0, 4}}, {{0, 16, 4}}});
  EXPECT_FLOAT_EQ(rival_box_iou({logits, 1, 0.9f}), 16.0f / (4.0f * 20.0f));
}

/// A rule that has seen some frames of a steady object without a rival.
DistractorRule steady(int num_frames) {
  DistractorRule rule;
  for (int i = 0; i < num_frames; ++i) {
    EXPECT_FALSE(rule.observe({without_rival(), 1, 0.9f}));
  }
  return rule;
}

TEST(DistractorRuleTest, TakesAReliableFrameWithARival) {
  DistractorRule rule = steady(3);
  EXPECT_TRUE(rule.observe({with_rival(), 1, 0.9f}));
}

TEST(DistractorRuleTest, NotOnTheFirstFrame) {
  DistractorRule rule;
  EXPECT_FALSE(rule.observe({with_rival(), 1, 0.9f}));
  EXPECT_TRUE(rule.observe({with_rival(), 1, 0.9f}));
}

TEST(DistractorRuleTest, NotWhereThePredictedIouIsLow) {
  DistractorRule rule = steady(3);
  EXPECT_FALSE(rule.observe({with_rival(), 1, 0.8f}));
  EXPECT_TRUE(rule.observe({with_rival(), 1, 0.801f}));
}

TEST(DistractorRuleTest, NotWhereTheAreaHasChanged) {
  // 9 and 25 pixels against a median of 16.
  for (const int size : {3, 5}) {
    DistractorRule rule = steady(5);
    EXPECT_FALSE(rule.observe({candidates({{}, {{0, 0, size}}, {{0, 10, 3}}}), 1, 0.9f}));
  }
  DistractorRule rule = steady(5);
  EXPECT_FALSE(rule.observe({candidates({{}, {}, {{0, 10, 3}}}), 1, 0.9f}));
}

TEST(DistractorRuleTest, MoreThanFiveFramesApart) {
  DistractorRule rule = steady(3);
  EXPECT_TRUE(rule.observe({with_rival(), 1, 0.9f}));
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(rule.observe({with_rival(), 1, 0.9f})) << i;
  }
  EXPECT_TRUE(rule.observe({with_rival(), 1, 0.9f}));
  // Prompted frames count.
  for (int i = 0; i < 5; ++i) {
    rule.skip();
  }
  EXPECT_TRUE(rule.observe({with_rival(), 1, 0.9f}));
}

TEST(DistractorRuleTest, TheMedianIsThatOfTheLastThreeHundred) {
  DistractorRule rule;
  const Tensor large = candidates({{}, {{0, 0, 8}}, {}});
  for (int i = 0; i < 1000; ++i) {
    rule.observe({large, 1, 0.9f});
  }
  for (int i = 0; i < 149; ++i) {
    rule.observe({without_rival(), 1, 0.9f});
  }
  EXPECT_FALSE(rule.observe({with_rival(), 1, 0.9f}));
  EXPECT_TRUE(rule.observe({with_rival(), 1, 0.9f}));
}

}  // namespace
}  // namespace ufvideo
