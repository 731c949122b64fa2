#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "error_expectation.h"
#include "tiny_model.h"

namespace ufvideo {
namespace {

using Ids = std::vector<std::int64_t>;

/// The prompt's ids, the answer's as a next turn repeats them, and a further question.
Prompt next_turn(const Prompt& earlier, const Generation& answer, const Ids& question) {
  Prompt prompt = earlier;
  prompt.token_ids.insert(prompt.token_ids.end(), answer.token_ids.begin(), answer.token_ids.end());
  prompt.token_ids.insert(prompt.token_ids.end(), question.begin(), question.end());
  return prompt;
}

TEST(Conversation, ATurnFeedsWhatIsNewOnly) {
  const auto session = tiny_session();
  Prompt prompt = ask({21, 22, 23});
  Generation answer = session->generate(prompt, greedy(6));
  std::int64_t held = 2 + 8 + 3 + 5;  // The last token of an answer is not fed.
  for (std::int64_t turn = 0; turn < 3; ++turn) {
    SCOPED_TRACE(turn);
    prompt = next_turn(prompt, answer, {31 + turn, 32});
    answer = session->generate(prompt, greedy(6));
    EXPECT_EQ(answer.num_reused_tokens, held);
    EXPECT_EQ(answer.num_prefill_tokens, 1 + 2);
    const Generation fresh = tiny_session()->generate(prompt, greedy(6));
    EXPECT_EQ(answer.token_ids, fresh.token_ids);
    EXPECT_EQ(fresh.num_reused_tokens, 0);
    held += 3 + 5;
  }
}

TEST(Conversation, AnotherBranchGoesBackToWhereItLeaves) {
  const auto session = tiny_session();
  const Prompt prompt = ask({21, 22, 23});
  const Generation answer = session->generate(prompt, greedy(6));
  session->generate(next_turn(prompt, answer, {31, 32}), greedy(6));
  const Prompt other = next_turn(prompt, answer, {31, 41, 42});
  const Generation branch = session->generate(other, greedy(6));
  EXPECT_EQ(branch.num_reused_tokens, 2 + 8 + 3 + 6 + 1);
  EXPECT_EQ(branch.token_ids, tiny_session()->generate(other, greedy(6)).token_ids);
}

TEST(Conversation, TheSameQuestionFeedsItsLastTokenAgain) {
  const auto session = tiny_session();
  const Generation first = session->generate(ask({21, 22, 23}), greedy(6));
  const Generation again = session->generate(ask({21, 22, 23}), greedy(6));
  EXPECT_EQ(again.num_prefill_tokens, 1);
  EXPECT_EQ(again.token_ids, first.token_ids);
  // A prompt that ends with the video has no other last token.
  const Generation bare = session->generate(ask({}), greedy(6));
  EXPECT_EQ(bare.num_reused_tokens, 2);
  EXPECT_EQ(bare.token_ids, tiny_session()->generate(ask({}), greedy(6)).token_ids);
}

TEST(Conversation, ARegionIsReusedWhereItIsTheSame) {
  const auto session = tiny_session();
  Prompt prompt = ask_about_region({21, 22});
  prompt.token_ids.push_back(23);
  const Ids first = session->generate(prompt, greedy(6)).token_ids;
  const Generation same = session->generate(prompt, greedy(6));
  EXPECT_EQ(same.num_prefill_tokens, 1);
  EXPECT_EQ(same.token_ids, first);
  Prompt other = prompt;
  Tensor masks(DType::kBool, {2, kHeight, kWidth});
  std::fill_n(masks.data<bool>(), masks.elements(), true);
  other.regions[0].masks = masks;
  const Generation another = session->generate(other, greedy(6));
  EXPECT_EQ(another.num_reused_tokens, 2 + 8 + 2);
  EXPECT_EQ(another.token_ids, tiny_session()->generate(other, greedy(6)).token_ids);
}

TEST(Conversation, TheStatesOfAForcedAnswerAreThereThoughItIsHeld) {
  const auto session = tiny_session();
  const std::int64_t seg = tiny_model()->manifest().tokens.seg_id;
  const Prompt prompt = ask({21, 22, 41, seg, 42, seg});
  const Generation first = session->teacher_force(prompt, 5);
  const Generation again = session->teacher_force(prompt, 5);
  EXPECT_EQ(again.seg_positions, first.seg_positions);
  ASSERT_EQ(again.seg_hidden_states.shape(), (Shape{2, 32}));
  // The position before the first [SEG] is fed again, those before it are not.
  EXPECT_EQ(again.num_reused_tokens, 2 + 8 + 2);
  for (std::int64_t i = 0; i < 64; ++i) {
    EXPECT_NEAR(again.seg_hidden_states.data<float>()[i], first.seg_hidden_states.data<float>()[i],
                1e-5);
  }
}

TEST(Conversation, AnAnswerLeftEarlyIsHeldAsFarAsItWent) {
  const auto session = tiny_session();
  const Prompt prompt = ask({21, 22, 23});
  session->begin(prompt, greedy(6));
  session->step();
  session->step();
  session->drop_answer();
  const Generation answer = session->generate(prompt, greedy(6));
  EXPECT_EQ(answer.token_ids, tiny_session()->generate(prompt, greedy(6)).token_ids);
}

TEST(Conversation, APromptThatIsRefusedHarmsNothing) {
  const auto session = tiny_session();
  const Prompt prompt = ask({21, 22, 23});
  const Ids first = session->generate(prompt, greedy(6)).token_ids;
  expect_error(ErrorCode::kInvalidInput, {"token_ids[4]", "got 1048576"},
               [&] { session->generate(ask({21, 1 << 20}), greedy(6)); });
  EXPECT_EQ(session->generate(prompt, greedy(6)).token_ids, first);
}

std::shared_ptr<const Model> model_of_chunks(int prefill_chunk_tokens) {
  RuntimeConfig config = tiny_config();
  config.prefill_chunk_tokens = prefill_chunk_tokens;
  return Model::load(tiny_package(), config);
}

TEST(Conversation, ACancelBetweenTwoPiecesOfAPromptLeavesASoundSession) {
  Session session(model_of_chunks(1));
  session.open_clip({noise(0, 4), indices(0, 4), false});
  const Prompt prompt = ask(Ids(400, 21));
  const Ids whole = session.generate(prompt, greedy(4)).token_ids;
  const auto calls = [&] { return session.timings()["language_model"].num_calls; };
  bool came_between = false;
  // Other work on the machine may delay either thread, but not every time.
  for (int i = 0; i < 100 && !came_between; ++i) {
    session.reset();
    const std::int64_t before = calls();
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      session.cancel();
    });
    const Generation answer = session.generate(prompt, greedy(4));
    other.join();
    came_between = answer.token_ids.empty() && calls() > before && calls() - before < 410;
    if (answer.token_ids.empty()) {
      EXPECT_EQ(answer.stop_reason, StopReason::kCancelled);
    }
  }
  EXPECT_TRUE(came_between);
  EXPECT_EQ(session.generate(prompt, greedy(4)).token_ids, whole);
}

TEST(Conversation, TheSizeOfThePiecesChangesNoAnswer) {
  const Ids whole = tiny_session()->generate(ask({21, 22, 23}), greedy(20)).token_ids;
  for (const int chunk : {1, 5, 13}) {
    Session session(model_of_chunks(chunk));
    session.open_clip({noise(0, 4), indices(0, 4), false});
    EXPECT_EQ(session.generate(ask({21, 22, 23}), greedy(20)).token_ids, whole);
  }
}

Prompt with_format(const Ids& question, std::vector<TokenState> states) {
  const Manifest& manifest = tiny_model()->manifest();
  Prompt prompt = ask(question);
  prompt.response_format = std::make_shared<const TokenAutomaton>(
      std::move(states), manifest.model.vocab_size, manifest.tokens.end_ids);
  return prompt;
}

TEST(AnswerFormat, IsHeldToAndAsksForRoom) {
  const auto session = tiny_session();
  const std::vector<TokenState> states{{{{{7, 8}, 1}}, false}, {{{{9, 9}, 2}}, false}, {{}, true}};
  const Generation answer = session->generate(with_format({21}, states), greedy(2));
  EXPECT_EQ(answer.token_ids.size(), 2u);
  EXPECT_EQ(answer.token_ids[1], 9);
  EXPECT_EQ(answer.stop_reason, StopReason::kEndToken);
  expect_error(ErrorCode::kInvalidConfig, {"max_new_tokens", "2 or more", "got 1"},
               [&] { session->generate(with_format({21}, states), greedy(1)); });
  const Ids longest(512 - 10 - 1, 21);
  EXPECT_EQ(session->generate(with_format(longest, states), greedy(2)).token_ids.size(), 2u);
  expect_error(ErrorCode::kOutOfMemory, {"512 positions", "answer of 2 tokens"},
               [&] { session->generate(with_format(Ids(512 - 10, 21), states), greedy(2)); });
}

TEST(AnswerFormat, OfAnotherModelIsRefused) {
  Prompt prompt = ask({21});
  const std::vector<TokenState> states{{{{{1, 1}, 1}}, false}, {{}, true}};
  prompt.response_format = std::make_shared<const TokenAutomaton>(states, 5, Ids{4});
  expect_error(ErrorCode::kInvalidInput, {"response_format", "for 5 tokens"},
               [&] { tiny_session()->generate(prompt, greedy(4)); });
}

}  // namespace
}  // namespace ufvideo
