#include "kv/held_tokens.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace ufvideo {
namespace {

constexpr std::int64_t kRegion = 50;
constexpr std::int64_t kVideo = -201;

Tensor tokens_of(float value) {
  Tensor tokens(DType::kFloat32, {2, 3});
  std::fill_n(tokens.data<float>(), tokens.elements(), value);
  return tokens;
}

TEST(HeldTokens, SharesWhatBothBeginWith) {
  HeldTokens held(kRegion, kVideo);
  EXPECT_EQ(held.num_shared({1, 2}, {}, {}).num_ids, 0u);
  held.hold({1, -201, 2, 3}, {}, {});
  held.append(4);
  EXPECT_EQ(held.num_shared({1, -201, 2, 3, 4, 5}, {}, {}).num_ids, 5u);
  EXPECT_EQ(held.num_shared({1, -201, 2}, {}, {}).num_ids, 3u);
  EXPECT_EQ(held.num_shared({1, -201, 7, 3}, {}, {}).num_ids, 2u);
  held.keep(3);
  EXPECT_EQ(held.num_shared({1, -201, 2, 3}, {}, {}).num_ids, 3u);
}

TEST(HeldTokens, ARegionMarkIsTheSameWithTheSameTokensOnly) {
  HeldTokens held(kRegion, kVideo);
  held.hold({1, kRegion, 2, kRegion, 3}, {tokens_of(1.0f), tokens_of(2.0f)}, {});
  const std::vector<std::int64_t> ids{1, kRegion, 2, kRegion, 3, 4};
  EXPECT_EQ(held.num_shared(ids, {tokens_of(1.0f), tokens_of(2.0f)}, {}).num_ids, 5u);
  EXPECT_EQ(held.num_shared(ids, {tokens_of(1.0f), tokens_of(2.5f)}, {}).num_ids, 3u);
  EXPECT_EQ(held.num_shared(ids, {tokens_of(0.0f), tokens_of(2.0f)}, {}).num_ids, 1u);
  EXPECT_EQ(held.num_shared(ids, {tokens_of(1.0f).rows(0, 1), tokens_of(2.0f)}, {}).num_ids, 1u);
}

TEST(HeldTokens, AMarkInAnAnswerPointsAtNothing) {
  HeldTokens held(kRegion, kVideo);
  held.hold({1, 2}, {}, {});
  held.append(kRegion);
  EXPECT_EQ(held.num_shared({1, 2, kRegion, 3}, {tokens_of(1.0f)}, {}).num_ids, 2u);
  held.hold({1, kRegion, 2}, {tokens_of(1.0f)}, {});
  held.keep(1);
  held.append(kRegion);
  EXPECT_EQ(held.num_shared({1, kRegion, 2}, {tokens_of(1.0f)}, {}).num_ids, 1u);
}

TEST(HeldTokens, OfAWindowTheFirstPairsCount) {
  HeldTokens held(kRegion, kVideo);
  EXPECT_EQ(held.first_pair(), std::nullopt);
  held.hold({1, kVideo, 2, 3}, {}, {4, 6, 8});
  EXPECT_EQ(held.first_pair(), 4);
  const std::vector<std::int64_t> ids{1, kVideo, 2, 5};
  const auto shared = [&](const std::vector<std::int64_t>& pair_ids) {
    const HeldTokens::Shared found = held.num_shared(ids, {}, pair_ids);
    return std::vector<std::size_t>{found.num_ids, found.num_pairs};
  };
  using Found = std::vector<std::size_t>;
  EXPECT_EQ(shared({4, 6, 8}), (Found{3, 0})) << "the same window";
  EXPECT_EQ(shared({4, 6, 8, 10}), (Found{1, 3})) << "one that has grown";
  EXPECT_EQ(shared({4, 6}), (Found{1, 2}));
  EXPECT_EQ(shared({6, 8, 10}), (Found{1, 0})) << "one that has dropped its first pair";
  EXPECT_EQ(shared({}), (Found{1, 0})) << "a clip";
  held.keep(1, 2);
  EXPECT_EQ(shared({4, 6, 8}), (Found{1, 2}));
  held.keep(1);
  EXPECT_EQ(held.first_pair(), std::nullopt);
  EXPECT_EQ(shared({4, 6, 8}), (Found{1, 0}));
}

}  // namespace
}  // namespace ufvideo
