#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "decode/decode_loop.h"

namespace ufvideo {
namespace {

using Ids = std::vector<std::int64_t>;

constexpr std::int64_t kVocabSize = 20;
constexpr std::int64_t kEnd = 19;
constexpr std::int64_t kRegion = 17;

TokenConfig token_facts() { return {{kEnd}, -201, -200, kRegion, 5, 10, 18}; }

Tensor logits_of(const std::vector<float>& values) {
  Tensor logits(DType::kFloat32, {static_cast<std::int64_t>(values.size())});
  std::copy(values.begin(), values.end(), logits.data<float>());
  return logits;
}

/// Says the same whatever it is fed, and counts its steps.
class Stubborn : public TokenStepper {
 public:
  explicit Stubborn(std::vector<float> logits) : logits_(std::move(logits)) {}

  Output output() const { return {logits_of(logits_), logits_of({0.0f})}; }
  Output step(std::int64_t) override {
    ++num_steps;
    return output();
  }
  bool has_room() const override { return true; }

  int num_steps = 0;

 private:
  std::vector<float> logits_;
};

/// Logits that fall from id 0 on, but for one id that is wanted most.
std::vector<float> prefers(std::int64_t id) {
  std::vector<float> logits(kVocabSize);
  for (std::int64_t i = 0; i < kVocabSize; ++i) {
    logits[i] = -0.1f * static_cast<float>(i);
  }
  logits[id] = 9.0f;
  return logits;
}

DecodeLoop run(Stubborn& model, const GenerationConfig& config, std::vector<TokenState> states) {
  auto format = std::make_shared<const TokenAutomaton>(std::move(states), kVocabSize, Ids{kEnd});
  DecodeLoop loop(token_facts(), SegHiddenState::kPredicting, config, format);
  loop.start(model.output());
  while (loop.next(model)) {
  }
  return loop;
}

/// Two of the ids 5 to 14, the second not below the first, with 1 before and 2 behind.
std::vector<TokenState> ordered_pair() {
  std::vector<TokenState> states(1);
  states[0].edges = {{{1, 1}, 1}};
  states.emplace_back();
  for (std::int64_t k = 0; k < 10; ++k) {
    states[1].edges.push_back({{5 + k, 5 + k}, 2 + k});
    states.push_back({{{{5 + k, 14}, 12}}, false});
  }
  states.push_back({{{{2, 2}, 13}}, false});
  states.push_back({{}, true});
  return states;
}

TEST(AnswerFormat, MasksEachStepAndEndsWithoutAnother) {
  // Left alone it would say 12, 12, ... and be cut off.
  Stubborn model(prefers(12));
  const DecodeLoop loop = run(model, GenerationConfig{}, ordered_pair());
  EXPECT_EQ(loop.token_ids(), (Ids{1, 12, 12, 2}));
  EXPECT_EQ(loop.stop_reason(), StopReason::kEndToken);
  EXPECT_EQ(model.num_steps, 3);
}

TEST(AnswerFormat, TheEndTokenCannotComeTooEarly) {
  Stubborn model(prefers(kEnd));
  EXPECT_EQ(run(model, GenerationConfig{}, ordered_pair()).token_ids(), (Ids{1, 5, 5, 2}));
}

TEST(AnswerFormat, APairIsInOrderWhateverIsDrawn) {
  GenerationConfig config;
  config.temperature = 100.0f;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    config.seed = seed;
    Stubborn model(prefers(3));
    const Ids ids = run(model, config, ordered_pair()).token_ids();
    ASSERT_EQ(ids.size(), 4u);
    EXPECT_EQ(find_spans(ids, 5, 10).size(), 1u) << ids[1] << " " << ids[2];
  }
}

TEST(AnswerFormat, TheEndTokenIsOneOfTheWaysWhereAnAnswerMayGoOn) {
  // "3" or "3 4".
  const std::vector<TokenState> states{{{{{3, 3}, 1}}, false}, {{{{4, 4}, 2}}, true}, {{}, true}};
  Stubborn short_one(prefers(kEnd));
  EXPECT_EQ(run(short_one, GenerationConfig{}, states).token_ids(), (Ids{3, kEnd}));
  Stubborn long_one(prefers(4));
  EXPECT_EQ(run(long_one, GenerationConfig{}, states).token_ids(), (Ids{3, 4}));
  EXPECT_EQ(long_one.num_steps, 1);
}

TEST(RepetitionPenalty, DividesAboveZeroAndMultipliesBelow) {
  GenerationConfig config;
  config.repetition_penalty = 2.0f;
  Sampler sampler(config);
  sampler.has_seen(0);
  EXPECT_EQ(sampler.sample(logits_of({1.0f, 0.6f})), 1);
  EXPECT_EQ(sampler.sample(logits_of({1.0f, 0.4f})), 0);
  EXPECT_EQ(sampler.sample(logits_of({-1.0f, -1.5f})), 1);
  EXPECT_EQ(sampler.sample(logits_of({-1.0f, -2.5f})), 0);
  sampler.has_seen(0);  // Once, however often a token was there.
  EXPECT_EQ(sampler.sample(logits_of({1.0f, 0.4f})), 0);
}

TEST(RepetitionPenalty, CountsPromptAndAnswerButNoPlaceholder) {
  GenerationConfig config;
  config.repetition_penalty = 1.5f;
  config.max_new_tokens = 4;
  std::vector<float> logits(kVocabSize, 0.0f);
  logits[3] = 10.0f;
  logits[kRegion] = 9.0f;
  logits[4] = 8.0f;
  Stubborn model(logits);
  DecodeLoop loop(token_facts(), SegHiddenState::kPredicting, config);
  loop.start(model.output(), {-201, kRegion, 3, 7});
  while (loop.next(model)) {
  }
  // By hand: 3 counts 6.67 from the start; the mark 9, then 6; 4 counts 8, then 5.33.
  EXPECT_EQ(loop.token_ids(), (Ids{kRegion, 4, 3, 3}));
}

TEST(RepetitionPenalty, OneChangesNothing) {
  GenerationConfig config;
  config.max_new_tokens = 3;
  Stubborn model(prefers(6));
  DecodeLoop loop(token_facts(), SegHiddenState::kPredicting, config);
  loop.start(model.output(), {6});
  while (loop.next(model)) {
  }
  EXPECT_EQ(loop.token_ids(), (Ids{6, 6, 6}));
}

TEST(Sampler, ChoosesWithinTheRangesInWhateverOrder) {
  Sampler sampler{GenerationConfig{}};
  const Tensor logits = logits_of({9.0f, 1.0f, 2.0f, 2.0f, 9.0f});
  EXPECT_EQ(sampler.sample(logits, {{3, 3}, {1, 2}}), 2);
  GenerationConfig warm;
  warm.temperature = 1.0f;
  warm.top_k = 2;
  warm.seed = 1;
  Sampler drawing(warm);
  for (int i = 0; i < 100; ++i) {
    const std::int64_t id = drawing.sample(logits, {{1, 3}});
    EXPECT_TRUE(id == 2 || id == 3);
  }
}

}  // namespace
}  // namespace ufvideo
