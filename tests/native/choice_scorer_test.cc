#include "decode/choice_scorer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "error_expectation.h"

namespace ufvideo {
namespace {

constexpr std::int64_t kVocab = 8;
constexpr std::int64_t kEnd = 7;
using Ids = std::vector<std::int64_t>;

/// A language model whose logits depend on the tokens behind the prompt, and that counts its steps.
class FakeModel {
 public:
  /// Probability of a token behind some tokens; the rest of 1 is shared by the others.
  void expect(const Ids& before, std::int64_t token_id, double probability) {
    told_[before][token_id] = probability;
  }

  Tensor logits() const {
    const auto found = told_.find(fed_);
    const std::map<std::int64_t, double> told =
        found == told_.end() ? std::map<std::int64_t, double>{} : found->second;
    double rest = 1.0;
    for (const auto& entry : told) {
      rest -= entry.second;
    }
    Tensor logits(DType::kFloat32, {kVocab});
    for (std::int64_t id = 0; id < kVocab; ++id) {
      const auto own = told.find(id);
      const double share = rest / static_cast<double>(kVocab - told.size());
      // Logits are probabilities but for a constant.
      logits.data<float>()[id] =
          static_cast<float>(std::log(own == told.end() ? share : own->second) + 3.0);
    }
    return logits;
  }

  std::optional<ChoiceScores> score(const ChoiceTree& tree, int cancelled_after = 1000) {
    const auto feed = [&](std::int64_t num_kept, std::int64_t token_id) -> std::optional<Tensor> {
      if (static_cast<int>(steps.size()) == cancelled_after) {
        return std::nullopt;
      }
      EXPECT_LE(num_kept, static_cast<std::int64_t>(fed_.size()));
      fed_.resize(static_cast<std::size_t>(num_kept));
      fed_.push_back(token_id);
      steps.push_back(fed_);
      return logits();
    };
    return score_choices(tree, logits(), most_tokens, feed);
  }

  std::vector<Ids> steps;
  std::int64_t most_tokens = 100;

 private:
  std::map<Ids, std::map<std::int64_t, double>> told_;
  Ids fed_;
};

ChoiceTree tree(std::vector<ChoiceSpelling> spellings) {
  return ChoiceTree(std::move(spellings), kVocab, {kEnd});
}

TEST(ChoiceScorerTest, SumsLogProbabilitiesAndFeedsASharedBeginningOnce) {
  FakeModel model;
  model.expect({}, 1, 0.5);
  model.expect({1}, 2, 0.25);
  model.expect({1, 2}, 3, 0.125);
  model.expect({1, 2}, 4, 0.75);
  model.expect({}, 5, 0.25);
  const auto scores = model.score(tree({{{1, 2, 3}, 0}, {{1, 2, 4}, 1}, {{5}, 2}})).value();
  EXPECT_NEAR(scores.log_probabilities[0], std::log(0.5 * 0.25 * 0.125), 1e-6);
  EXPECT_NEAR(scores.log_probabilities[1], std::log(0.5 * 0.25 * 0.75), 1e-6);
  EXPECT_NEAR(scores.log_probabilities[2], std::log(0.25), 1e-6);
  EXPECT_EQ(scores.best(), 2u);
  EXPECT_EQ(model.steps, (std::vector<Ids>{{1}, {1, 2}}));
}

TEST(ChoiceScorerTest, TakesTheLikeliestSpellingAndLeavesTheOthers) {
  FakeModel model;
  model.expect({}, 1, 0.9);
  model.expect({1}, 2, 0.9);
  model.expect({}, 3, 0.05);
  model.expect({}, 5, 0.01);
  const auto scores =
      model.score(tree({{{3, 2, 4}, 0}, {{1, 2}, 0}, {{5}, 1}, {{6, 2, 2, 2}, 1}})).value();
  EXPECT_EQ(scores.spellings, (std::vector<std::size_t>{1, 2}));
  EXPECT_NEAR(scores.log_probabilities[0], std::log(0.81), 1e-6);
  EXPECT_NEAR(scores.log_probabilities[1], std::log(0.01), 1e-6);
  EXPECT_EQ(model.steps, (std::vector<Ids>{{1}})) << "3 and 6 cannot win any more";
}

TEST(ChoiceScorerTest, ABeginningCountsWhereNoLongerChoiceFollows) {
  for (const double share : {0.9, 0.1}) {
    FakeModel model;
    model.expect({}, 1, 0.5);
    model.expect({1}, 2, share);
    model.expect({1, 2}, 3, 0.25);
    const auto scores = model.score(tree({{{1}, 0}, {{1, 2}, 1}, {{1, 2, 3}, 2}})).value();
    EXPECT_NEAR(scores.log_probabilities[0], std::log(0.5 * (1 - share)), 1e-5);
    EXPECT_NEAR(scores.log_probabilities[1], std::log(0.5 * share * 0.75), 1e-5);
    EXPECT_NEAR(scores.log_probabilities[2], std::log(0.5 * share * 0.25), 1e-5);
    EXPECT_EQ(scores.best(), share > 0.5 ? 1u : 0u);
  }
}

TEST(ChoiceScorerTest, OneChoiceWhoseLongerSpellingIsCertain) {
  FakeModel model;
  model.expect({}, 1, 0.5);
  model.expect({1}, 2, 1.0 - 1e-12);
  const auto scores = model.score(tree({{{1}, 0}, {{1, 2}, 1}})).value();
  EXPECT_LT(scores.log_probabilities[0], -10.0);
  EXPECT_FALSE(std::isnan(scores.log_probabilities[0]));
  EXPECT_EQ(scores.best(), 1u);
}

TEST(ChoiceScorerTest, SpellingsThatAreTooLongDoNotCount) {
  FakeModel model;
  model.expect({}, 1, 0.9);
  model.most_tokens = 2;
  const ChoiceTree two = tree({{{3, 2}, 0}, {{1, 2, 4}, 0}, {{5}, 1}, {{5, 6, 1}, 1}});
  EXPECT_EQ(two.longest(), 2);
  const auto scores = model.score(two).value();
  EXPECT_EQ(scores.spellings, (std::vector<std::size_t>{0, 2}));
  EXPECT_NEAR(scores.log_probabilities[1], std::log(0.1 / 7), 1e-5);
  EXPECT_TRUE(std::all_of(model.steps.begin(), model.steps.end(),
                          [](const Ids& fed) { return fed.size() < 2; }));
}

TEST(ChoiceScorerTest, IsCancelledBetweenTokens) {
  const ChoiceTree three = tree({{{1, 2, 3, 4}, 0}});
  EXPECT_FALSE(FakeModel().score(three, 0));
  EXPECT_FALSE(FakeModel().score(three, 2));
  EXPECT_TRUE(FakeModel().score(three, 3));
}

TEST(ChoiceTreeTest, RefusesWhatIsNoSetOfChoices) {
  const auto refused = [](std::vector<ChoiceSpelling> spellings, const std::string& message) {
    expect_error(ErrorCode::kInvalidInput, {"choices: ", message},
                 [&] { tree(std::move(spellings)); });
  };
  refused({}, "expected a spelling, got none");
  refused({{{}, 0}}, "spellings[0]: expected a token, got none");
  refused({{{1}, 0}, {{1}, 1}}, "expected each spelling once, got that of spellings[0] again");
  refused({{{kEnd}, 0}}, "no end token, got 7");
  refused({{{kVocab}, 0}}, "ids from 0 to 7");
  refused({{{1}, 0}, {{2}, 2}, {{3}, 2}}, "got none of choice 1");
  refused({{{1}, 5}}, "expected a choice from 0 to 0");
  EXPECT_EQ(tree({{{1, 2}, 0}, {{1}, 0}, {{3, 4}, 1}}).longest(), 2);
}

}  // namespace
}  // namespace ufvideo
