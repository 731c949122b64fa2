#include "kv/held_tokens.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace ufvideo {
namespace {

constexpr std::int64_t kRegion = 50;

Tensor tokens_of(float value) {
  Tensor tokens(DType::kFloat32, {2, 3});
  std::fill_n(tokens.data<float>(), tokens.elements(), value);
  return tokens;
}

TEST(HeldTokens, SharesWhatBothBeginWith) {
  HeldTokens held(kRegion);
  EXPECT_EQ(held.num_shared({1, 2}, {}), 0u);
  held.hold({1, -201, 2, 3}, {});
  held.append(4);
  EXPECT_EQ(held.num_shared({1, -201, 2, 3, 4, 5}, {}), 5u);
  EXPECT_EQ(held.num_shared({1, -201, 2}, {}), 3u);
  EXPECT_EQ(held.num_shared({1, -201, 7, 3}, {}), 2u);
  held.keep(3);
  EXPECT_EQ(held.num_shared({1, -201, 2, 3}, {}), 3u);
}

TEST(HeldTokens, ARegionMarkIsTheSameWithTheSameTokensOnly) {
  HeldTokens held(kRegion);
  held.hold({1, kRegion, 2, kRegion, 3}, {tokens_of(1.0f), tokens_of(2.0f)});
  const std::vector<std::int64_t> ids{1, kRegion, 2, kRegion, 3, 4};
  EXPECT_EQ(held.num_shared(ids, {tokens_of(1.0f), tokens_of(2.0f)}), 5u);
  EXPECT_EQ(held.num_shared(ids, {tokens_of(1.0f), tokens_of(2.5f)}), 3u);
  EXPECT_EQ(held.num_shared(ids, {tokens_of(0.0f), tokens_of(2.0f)}), 1u);
  EXPECT_EQ(held.num_shared(ids, {tokens_of(1.0f).rows(0, 1), tokens_of(2.0f)}), 1u);
}

TEST(HeldTokens, AMarkInAnAnswerPointsAtNothing) {
  HeldTokens held(kRegion);
  held.hold({1, 2}, {});
  held.append(kRegion);
  EXPECT_EQ(held.num_shared({1, 2, kRegion, 3}, {tokens_of(1.0f)}), 2u);
  held.hold({1, kRegion, 2}, {tokens_of(1.0f)});
  held.keep(1);
  held.append(kRegion);
  EXPECT_EQ(held.num_shared({1, kRegion, 2}, {tokens_of(1.0f)}), 1u);
}

}  // namespace
}  // namespace ufvideo
