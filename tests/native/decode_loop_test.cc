#include "decode/decode_loop.h"

#include <gtest/gtest.h>

#include <limits>
#include <utility>
#include <vector>

#include "error_expectation.h"

namespace ufvideo {
namespace {

constexpr std::int64_t kVocabSize = 8;
constexpr std::int64_t kEnd = 7;
constexpr std::int64_t kSeg = 6;

TokenConfig token_facts() { return {{kEnd}, -201, -200, 5, 0, 2, kSeg}; }

/// Answers a fixed sequence; its state says how many tokens it was fed.
class FakeLanguageModel : public TokenStepper {
 public:
  explicit FakeLanguageModel(std::vector<std::int64_t> script, std::int64_t room = 1000)
      : script_(std::move(script)), room_(room) {}

  Output prefill() { return output(); }

  Output step(std::int64_t token_id) override {
    fed.push_back(token_id);
    return output();
  }

  bool has_room() const override { return static_cast<std::int64_t>(fed.size()) < room_; }

  std::vector<std::int64_t> fed;

 private:
  Output output() {
    Tensor logits(DType::kFloat32, {kVocabSize});
    std::fill_n(logits.data<float>(), kVocabSize, 0.0f);
    logits.data<float>()[script_.at(fed.size())] = 1.0f;
    Tensor state(DType::kFloat32, {2});
    state.data<float>()[0] = static_cast<float>(fed.size());
    state.data<float>()[1] = -1.0f;
    return {logits, state};
  }

  std::vector<std::int64_t> script_;
  std::int64_t room_;
};

DecodeLoop run(FakeLanguageModel& model, SegHiddenState which, int max_new_tokens = 100) {
  GenerationConfig config;
  config.max_new_tokens = max_new_tokens;
  DecodeLoop loop(token_facts(), which, config);
  loop.start(model.prefill());
  while (loop.next(model)) {
  }
  return loop;
}

TEST(DecodeLoop, StopsAtTheEndTokenAndFeedsEveryTokenButTheLast) {
  FakeLanguageModel model({1, 2, 3, kEnd, 4});
  const DecodeLoop loop = run(model, SegHiddenState::kPredicting);
  EXPECT_EQ(loop.token_ids(), (std::vector<std::int64_t>{1, 2, 3, kEnd}));
  EXPECT_EQ(model.fed, (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(loop.stop_reason(), StopReason::kEndToken);
}

TEST(DecodeLoop, DoesNotEndBeforeTheLeastNumberOfTokens) {
  FakeLanguageModel model({1, kEnd, kEnd, kEnd, 4});
  GenerationConfig config;
  config.min_new_tokens = 4;
  DecodeLoop loop(token_facts(), SegHiddenState::kPredicting, config);
  loop.start(model.prefill());
  while (loop.next(model)) {
  }
  // All others are equally likely, and the first one is taken.
  EXPECT_EQ(loop.token_ids(), (std::vector<std::int64_t>{1, 0, 0, kEnd}));
  EXPECT_EQ(loop.stop_reason(), StopReason::kEndToken);
}

TEST(DecodeLoop, StopsAtTheLimit) {
  FakeLanguageModel model({1, 2, 3, 4});
  const DecodeLoop loop = run(model, SegHiddenState::kPredicting, 2);
  EXPECT_EQ(loop.token_ids().size(), 2u);
  EXPECT_EQ(model.fed.size(), 1u);
  EXPECT_EQ(loop.stop_reason(), StopReason::kMaxNewTokens);
}

TEST(DecodeLoop, StopsWhenTheContextIsFull) {
  FakeLanguageModel model({1, 2, 3, 4}, 2);
  const DecodeLoop loop = run(model, SegHiddenState::kPredicting);
  EXPECT_EQ(loop.token_ids(), (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(loop.stop_reason(), StopReason::kContextFull);
}

TEST(DecodeLoop, TheFirstReasonToEndStays) {
  FakeLanguageModel model({1, kEnd});
  DecodeLoop loop = run(model, SegHiddenState::kPredicting);
  loop.end(StopReason::kCancelled);
  EXPECT_EQ(loop.stop_reason(), StopReason::kEndToken);
  EXPECT_FALSE(loop.next(model).has_value());
}

TEST(DecodeLoop, KeepsTheStateThatPredictsSeg) {
  FakeLanguageModel model({1, kSeg, 2, kSeg, kEnd});
  const DecodeLoop loop = run(model, SegHiddenState::kPredicting);
  EXPECT_EQ(loop.seg_positions(), (std::vector<std::int64_t>{1, 3}));
  const Tensor states = loop.seg_hidden_states();
  EXPECT_EQ(states.shape(), (Shape{2, 2}));
  EXPECT_EQ(states.data<float>()[0], 1.0f);
  EXPECT_EQ(states.data<float>()[2], 3.0f);
}

TEST(DecodeLoop, KeepsTheStateOneStepEarlier) {
  FakeLanguageModel model({1, kSeg, 2, kSeg, kEnd});
  const DecodeLoop loop = run(model, SegHiddenState::kPreceding);
  EXPECT_EQ(loop.seg_hidden_states().data<float>()[0], 0.0f);
  EXPECT_EQ(loop.seg_hidden_states().data<float>()[2], 2.0f);
}

TEST(DecodeLoop, AFirstSegHasNoPrecedingState) {
  FakeLanguageModel preceding({kSeg, kSeg, kEnd});
  EXPECT_EQ(run(preceding, SegHiddenState::kPreceding).seg_positions(),
            (std::vector<std::int64_t>{1}));
  FakeLanguageModel predicting({kSeg, kSeg, kEnd});
  EXPECT_EQ(run(predicting, SegHiddenState::kPredicting).seg_positions(),
            (std::vector<std::int64_t>{0, 1}));
}

Tensor logits_of(const std::vector<float>& values) {
  Tensor logits(DType::kFloat32, {static_cast<std::int64_t>(values.size())});
  std::copy(values.begin(), values.end(), logits.data<float>());
  return logits;
}

TEST(Sampler, GreedyTakesTheFirstOfEqualLogits) {
  Sampler sampler{GenerationConfig{}};
  EXPECT_EQ(sampler.sample(logits_of({0.0f, 3.0f, 3.0f})), 1);
}

std::vector<double> frequencies(const GenerationConfig& config, const Tensor& logits) {
  constexpr int kDraws = 20000;
  Sampler sampler(config);
  std::vector<double> counts(logits.elements(), 0.0);
  for (int i = 0; i < kDraws; ++i) {
    counts[sampler.sample(logits)] += 1.0 / kDraws;
  }
  return counts;
}

TEST(Sampler, DrawsByTheSoftmaxAtTheTemperature) {
  GenerationConfig config;
  config.temperature = 2.0f;
  config.seed = 1;
  // Probabilities 1 : 2 : 4 at temperature 2.
  const float step = 2.0f * 0.6931472f;
  const std::vector<double> found = frequencies(config, logits_of({0.0f, step, 2 * step}));
  EXPECT_NEAR(found[0], 1.0 / 7, 0.02);
  EXPECT_NEAR(found[1], 2.0 / 7, 0.02);
  EXPECT_NEAR(found[2], 4.0 / 7, 0.02);
}

TEST(Sampler, TopKAndTopPCutTheTail) {
  const Tensor logits = logits_of({0.0f, 0.6931472f, 2 * 0.6931472f});
  GenerationConfig config;
  config.temperature = 1.0f;
  config.seed = 2;
  config.top_k = 2;
  EXPECT_EQ(frequencies(config, logits)[0], 0.0);
  EXPECT_NEAR(frequencies(config, logits)[1], 1.0 / 3, 0.02);
  config.top_k.reset();
  config.top_p = 0.5f;  // The likeliest alone has 4/7.
  EXPECT_NEAR(frequencies(config, logits)[2], 1.0, 1e-9);
  config.top_p = 0.6f;
  EXPECT_EQ(frequencies(config, logits)[0], 0.0);
  EXPECT_GT(frequencies(config, logits)[1], 0.0);
}

TEST(Sampler, ASeedGivesTheSameTokensOnEveryMachine) {
  GenerationConfig config;
  config.temperature = 1.0f;
  config.seed = 42;
  Sampler sampler(config);
  const Tensor logits = logits_of(std::vector<float>(1000, 0.0f));
  std::vector<std::int64_t> drawn;
  for (int i = 0; i < 4; ++i) {
    drawn.push_back(sampler.sample(logits));
  }
  // mt19937_64 seeded with 42 is fixed by the C++ standard.
  EXPECT_EQ(drawn, (std::vector<std::int64_t>{755, 639, 752, 136}));
}

TEST(FindSpans, PairsMomentsAndDisorder) {
  const auto spans = find_spans({0, 10, 19, 3, 14, 3, 19, 10, 12, 13, 14}, 10, 10);
  ASSERT_EQ(spans.size(), 4u);
  EXPECT_EQ(spans[0].start, 0.0);
  EXPECT_EQ(spans[0].end, 1.0);
  EXPECT_EQ(spans[1].start, spans[1].end);
  EXPECT_DOUBLE_EQ(spans[2].start, 2.0 / 9);
  EXPECT_DOUBLE_EQ(spans[2].end, 3.0 / 9);
  EXPECT_DOUBLE_EQ(spans[3].start, 4.0 / 9);
}

}  // namespace
}  // namespace ufvideo
