#include "tensor/finite.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "decode/chunked_prefill.h"
#include "decode/decode_loop.h"
#include "error_expectation.h"

namespace ufvideo {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Tensor floats(Shape shape, float value) {
  Tensor tensor(DType::kFloat32, std::move(shape));
  std::fill_n(tensor.data<float>(), tensor.elements(), value);
  return tensor;
}

TEST(FiniteTest, NamesTheFirstThatIsNot) {
  Tensor logits = floats({300}, 1.0f);
  EXPECT_NO_THROW(require_finite(logits, "language_model: logits"));
  EXPECT_NO_THROW(require_finite(floats({0, 4}, kNan), "nothing"));
  for (const float bad : {kNan, std::numeric_limits<float>::infinity()}) {
    logits.data<float>()[257] = bad;
    logits.data<float>()[299] = kNan;
    expect_error(
        ErrorCode::kInferenceFailed,
        {"language_model: logits", "finite", std::isnan(bad) ? "nan" : "inf", "at 257 of [300]"},
        [&] { require_finite(logits, "language_model: logits"); });
  }
}

/// Says [SEG], and has seen something bad.
class BadStates : public TokenStepper {
 public:
  Output output(float state) const {
    Tensor logits = floats({4}, 0.0f);
    logits.data<float>()[3] = 1.0f;
    return {logits, floats({2}, state)};
  }
  Output step(std::int64_t /*token_id*/) override { return output(1.0f); }
  bool has_room() const override { return true; }
};

TEST(FiniteTest, AStateThatSegNeedsMustBe) {
  const TokenConfig tokens{{2}, -201, -200, 1, 0, 1, 3};
  BadStates model;
  DecodeLoop predicting(tokens, SegHiddenState::kPredicting, {});
  predicting.start(model.output(kNan));
  expect_error(ErrorCode::kInferenceFailed, {"hidden_states", "nan"},
               [&] { predicting.next(model); });
  DecodeLoop preceding(tokens, SegHiddenState::kPreceding, {});
  preceding.start(model.output(kNan));
  EXPECT_EQ(preceding.next(model), 3);
  expect_error(ErrorCode::kInferenceFailed, {"hidden_states", "nan"},
               [&] { preceding.next(model); });
}

TEST(FiniteTest, OnlyStatesThatArePickedMustBe) {
  const auto run = [](const Tensor& piece) {
    Tensor states = floats({piece.dim(0), 2}, 1.0f);
    states.data<float>()[2 * (piece.dim(0) - 1)] = kNan;
    return ChunkOutput{floats({4}, 0.0f), states};
  };
  const Tensor embeddings = floats({6, 2}, 0.0f);
  const auto embed = [&](std::int64_t begin, std::int64_t end) {
    return embeddings.rows(begin, end);
  };
  const PrefillFeed feed{3, 6, embed, run, [] { return false; }};
  EXPECT_EQ(feed_in_chunks({0, 4}, feed)->states.size(), 2u);
  expect_error(ErrorCode::kInferenceFailed, {"hidden_states"},
               [&] { feed_in_chunks({0, 5}, feed); });
}

}  // namespace
}  // namespace ufvideo
