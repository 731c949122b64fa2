#include "decode/batch_loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace ufvideo {
namespace {

using Ids = std::vector<std::int64_t>;

constexpr std::int64_t kVocabSize = 8;
constexpr std::int64_t kEnd = 7;
constexpr std::int64_t kSeg = 6;

TokenConfig token_facts() { return {{kEnd}, -201, -200, 5, 0, 2, kSeg}; }

/// Sequences that answer fixed scripts; a state says which script and how many tokens it was fed.
class FakeRows : public RowStepper {
 public:
  struct Sequence {
    Ids script;
    std::size_t num_fed = 0;
    std::int64_t room = 1000;
  };

  TokenStepper::Output prefill(Sequence sequence) {
    sequences.push_back(std::move(sequence));
    return output(sequences.back());
  }

  std::vector<TokenStepper::Output> step(const Ids& token_ids) override {
    EXPECT_EQ(token_ids.size(), sequences.size());
    batch_sizes.push_back(token_ids.size());
    std::vector<TokenStepper::Output> outputs;
    for (std::size_t row = 0; row < sequences.size(); ++row) {
      EXPECT_EQ(token_ids[row], sequences[row].script.at(sequences[row].num_fed++));
      outputs.push_back(output(sequences[row]));
    }
    return outputs;
  }

  bool has_room(std::size_t row) const override {
    return static_cast<std::int64_t>(sequences.at(row).num_fed) < sequences.at(row).room;
  }

  void drop(std::size_t row) override {
    std::swap(sequences.at(row), sequences.back());
    sequences.pop_back();
  }

  std::vector<Sequence> sequences;
  std::vector<std::size_t> batch_sizes;

 private:
  static TokenStepper::Output output(const Sequence& sequence) {
    Tensor logits(DType::kFloat32, {kVocabSize});
    std::fill_n(logits.data<float>(), kVocabSize, 0.0f);
    logits.data<float>()[sequence.script.at(sequence.num_fed)] = 1.0f;
    Tensor state(DType::kFloat32, {2});
    state.data<float>()[0] = static_cast<float>(sequence.script.front());
    state.data<float>()[1] = static_cast<float>(sequence.num_fed);
    return {logits, state};
  }
};

struct Answers {
  std::map<std::size_t, Ids> streamed;
  std::map<std::size_t, DecodeLoop> ended;
};

void collect(BatchLoop& loop, Answers& answers) {
  for (BatchLoop::Ended& ended : loop.take_ended()) {
    answers.ended.emplace(ended.question, std::move(ended.loop));
  }
}

void add(BatchLoop& loop, FakeRows& rows, std::size_t question, FakeRows::Sequence sequence,
         Answers& answers) {
  DecodeLoop one(token_facts(), SegHiddenState::kPredicting, GenerationConfig{});
  one.start(rows.prefill(std::move(sequence)));
  const BatchLoop::Token first = loop.add(question, std::move(one));
  answers.streamed[first.question].push_back(first.token_id);
}

void run(BatchLoop& loop, Answers& answers) {
  collect(loop, answers);
  while (loop.size() != 0) {
    for (const BatchLoop::Token& token : loop.next()) {
      answers.streamed[token.question].push_back(token.token_id);
    }
    collect(loop, answers);
  }
}

TEST(BatchLoop, GivesEachRowItsOwnAnswerAndEndedRowsLeave) {
  FakeRows rows;
  BatchLoop loop(rows);
  Answers answers;
  const std::vector<Ids> scripts{{1, 2, kEnd}, {2, kEnd}, {kEnd}, {3, 1, 1, kSeg, kEnd}};
  for (std::size_t i = 0; i < scripts.size(); ++i) {
    add(loop, rows, i, {scripts[i]}, answers);
  }
  run(loop, answers);
  for (std::size_t i = 0; i < scripts.size(); ++i) {
    EXPECT_EQ(answers.streamed.at(i), scripts[i]);
    EXPECT_EQ(answers.ended.at(i).token_ids(), scripts[i]);
    EXPECT_EQ(answers.ended.at(i).stop_reason(), StopReason::kEndToken);
  }
  EXPECT_EQ(rows.batch_sizes, (std::vector<std::size_t>{3, 2, 1, 1}));
  // The [SEG] of the last question keeps its own state, from its row's place at that time.
  const Tensor state = answers.ended.at(3).seg_hidden_states();
  EXPECT_EQ(state.data<float>()[0], 3.0f);
  EXPECT_EQ(state.data<float>()[1], 3.0f);
}

TEST(BatchLoop, TakesANewQuestionWhereOneHasEnded) {
  FakeRows rows;
  BatchLoop loop(rows);
  Answers answers;
  add(loop, rows, 0, {{1, 2, 3, kEnd}}, answers);
  add(loop, rows, 1, {{2, kEnd}}, answers);
  loop.next();
  collect(loop, answers);
  EXPECT_EQ(loop.questions(), (std::vector<std::size_t>{0}));
  add(loop, rows, 2, {{3, 3, kEnd}}, answers);
  run(loop, answers);
  EXPECT_EQ(answers.ended.at(0).token_ids(), (Ids{1, 2, 3, kEnd}));
  EXPECT_EQ(answers.ended.at(2).token_ids(), (Ids{3, 3, kEnd}));
}

TEST(BatchLoop, AFullContextEndsItsRowOnly) {
  FakeRows rows;
  BatchLoop loop(rows);
  Answers answers;
  add(loop, rows, 0, {{1, 2, 3, 4, kEnd}, 0, 1}, answers);
  add(loop, rows, 1, {{2, 2, 2, kEnd}}, answers);
  run(loop, answers);
  EXPECT_EQ(answers.ended.at(0).token_ids(), (Ids{1, 2}));
  EXPECT_EQ(answers.ended.at(0).stop_reason(), StopReason::kContextFull);
  EXPECT_EQ(answers.ended.at(1).token_ids(), (Ids{2, 2, 2, kEnd}));
}

TEST(BatchLoop, EndsOneOrAll) {
  FakeRows rows;
  BatchLoop loop(rows);
  Answers answers;
  for (std::size_t i = 0; i < 3; ++i) {
    add(loop, rows, i, {{1, 2, 3, 4, kEnd}}, answers);
  }
  loop.end(1, StopReason::kStopped);
  loop.next();
  loop.end_all(StopReason::kCancelled);
  collect(loop, answers);
  EXPECT_EQ(loop.size(), 0u);
  EXPECT_EQ(answers.ended.at(0).token_ids(), (Ids{1, 2}));
  EXPECT_EQ(answers.ended.at(0).stop_reason(), StopReason::kCancelled);
  EXPECT_EQ(answers.ended.at(1).token_ids(), (Ids{1}));
  EXPECT_EQ(answers.ended.at(1).stop_reason(), StopReason::kStopped);
}

}  // namespace
}  // namespace ufvideo
