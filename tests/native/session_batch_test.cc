#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <stdexcept>
#include <thread>

#include "error_expectation.h"
#include "tiny_model.h"
#include "ufvideo/session.h"

namespace ufvideo {
namespace {

using Ids = std::vector<std::int64_t>;

/// Questions of many lengths, one of them with a region.
std::vector<Prompt> questions(std::size_t count) {
  std::vector<Prompt> prompts;
  for (std::size_t i = 0; i < count; ++i) {
    Ids words(2 + i * 5 % 23);
    for (std::size_t k = 0; k < words.size(); ++k) {
      words[k] = static_cast<std::int64_t>(20 + (7 * i + 3 * k) % 40);
    }
    prompts.push_back(i % 5 == 3 ? ask_about_region(words) : ask(words));
  }
  return prompts;
}

void expect_equal(const std::vector<Generation>& many, const std::vector<Prompt>& prompts,
                  const GenerationConfig& config) {
  const auto session = tiny_session();
  ASSERT_EQ(many.size(), prompts.size());
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    SCOPED_TRACE(i);
    const Generation one = session->generate(prompts[i], config);
    EXPECT_EQ(many[i].token_ids, one.token_ids);
    EXPECT_EQ(many[i].stop_reason, one.stop_reason);
    EXPECT_EQ(many[i].seg_positions, one.seg_positions);
    EXPECT_EQ(many[i].num_prefill_tokens + many[i].num_reused_tokens,
              one.num_prefill_tokens + one.num_reused_tokens);
    EXPECT_EQ(many[i].spans.size(), one.spans.size());
  }
}

TEST(GenerateMany, AnswersAsOneByOne) {
  const std::vector<Prompt> prompts = questions(8);
  expect_equal(tiny_session()->generate_many(prompts, greedy(30)), prompts, greedy(30));
}

TEST(GenerateMany, QuestionsBeyondTheRowsWaitForOne) {
  const std::vector<Prompt> prompts = questions(2 * kMaxBatchRows + 3);
  std::vector<Ids> streamed(prompts.size());
  const std::vector<Generation> many = tiny_session()->generate_many(
      prompts, greedy(9), [&](std::size_t index, std::int64_t token_id) {
        streamed[index].push_back(token_id);
        return StreamAction::kContinue;
      });
  expect_equal(many, prompts, greedy(9));
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    EXPECT_EQ(streamed[i], many[i].token_ids);
  }
}

TEST(GenerateMany, GrowsOverItsBlocksUntilTheContextIsFull) {
  const std::vector<Prompt> prompts = questions(3);
  const std::vector<Generation> many = tiny_session()->generate_many(prompts, greedy(600));
  expect_equal(many, prompts, greedy(600));
  for (const Generation& answer : many) {
    EXPECT_EQ(answer.stop_reason, StopReason::kContextFull);
  }
}

TEST(GenerateMany, ASeedDrawsForEachAsForOne) {
  GenerationConfig config = greedy(20);
  config.temperature = 0.8f;
  config.seed = 11;
  const std::vector<Prompt> prompts = questions(5);
  expect_equal(tiny_session()->generate_many(prompts, config), prompts, config);
}

TEST(GenerateMany, WithRoomForOneSequenceAnswersOneByOne) {
  RuntimeConfig config = tiny_config();
  const auto plenty = tiny_session();
  plenty->generate(ask({21}), greedy(1));
  config.kv_cache_bytes = plenty->kv_cache_bytes();
  Session session(Model::load(tiny_package(), config));
  session.open_clip({noise(0, 4), indices(0, 4), false});
  const std::vector<Prompt> prompts = questions(5);
  expect_equal(session.generate_many(prompts, greedy(12)), prompts, greedy(12));
}

TEST(GenerateMany, NothingIsNothing) {
  EXPECT_TRUE(tiny_session()->generate_many({}, greedy(3)).empty());
}

TEST(GenerateMany, CancelEndsAllThatHaveNotEnded) {
  const auto session = tiny_session();
  const std::vector<Prompt> prompts = questions(kMaxBatchRows + 2);
  std::map<std::size_t, int> num_tokens;
  const std::vector<Generation> many =
      session->generate_many(prompts, greedy(12), [&](std::size_t index, std::int64_t) {
        if (++num_tokens[index] == 3 && index == 4) session->cancel();
        return StreamAction::kContinue;
      });
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    EXPECT_EQ(many[i].stop_reason, StopReason::kCancelled);
    EXPECT_EQ(many[i].token_ids.size(), i < kMaxBatchRows ? 3u : 0u);
  }
  expect_equal(session->generate_many(prompts, greedy(4)), prompts, greedy(4));
}

TEST(GenerateMany, AnActionEndsItsOwnAnswer) {
  const std::vector<Generation> many =
      tiny_session()->generate_many(questions(4), greedy(6), [](std::size_t index, std::int64_t) {
        return index == 1   ? StreamAction::kStop
               : index == 2 ? StreamAction::kCancel
                            : StreamAction::kContinue;
      });
  EXPECT_EQ(many[0].token_ids.size(), 6u);
  EXPECT_EQ(many[1].token_ids.size(), 1u);
  EXPECT_EQ(many[1].stop_reason, StopReason::kStopped);
  EXPECT_EQ(many[2].stop_reason, StopReason::kCancelled);
  EXPECT_EQ(many[3].token_ids.size(), 6u);
}

TEST(GenerateMany, ACallbackThatThrowsEndsAllAndHarmsNothing) {
  const auto session = tiny_session();
  EXPECT_THROW(session->generate_many(questions(3), greedy(6),
                                      [](std::size_t index, std::int64_t) -> StreamAction {
                                        if (index == 2) throw std::runtime_error("boom");
                                        return StreamAction::kContinue;
                                      }),
               std::runtime_error);
  expect_equal(session->generate_many(questions(3), greedy(6)), questions(3), greedy(6));
}

TEST(GenerateMany, RefusesABadPromptBeforeAnyWork) {
  const auto session = tiny_session();
  std::vector<Prompt> prompts = questions(3);
  prompts[2] = ask(Ids(600, 21));
  int num_tokens = 0;
  expect_error(ErrorCode::kOutOfMemory, {"prompts[2]", "512 positions", "610"}, [&] {
    session->generate_many(prompts, greedy(6), [&](std::size_t, std::int64_t) {
      ++num_tokens;
      return StreamAction::kContinue;
    });
  });
  EXPECT_EQ(num_tokens, 0);
  prompts[2] = {{1, 2, 3}, {}, {}, {}};
  expect_error(ErrorCode::kInvalidInput, {"placeholder"},
               [&] { session->generate_many(prompts, greedy(6)); });
}

TEST(GenerateMany, CountsEachStepOnceAndHoldsNoMemory) {
  const auto session = tiny_session();
  session->generate_many(questions(6), greedy(10));
  const std::size_t held = session->memory_bytes();
  const std::int64_t calls = session->timings().at("language_model").num_calls;
  const std::vector<Generation> many = session->generate_many(questions(6), greedy(10));
  EXPECT_EQ(session->memory_bytes(), held);
  EXPECT_EQ(session->timings().at("language_model").num_calls - calls, 6 + 9);
  for (const Generation& answer : many) {
    EXPECT_EQ(answer.timings.at("language_model").num_calls, 1 + 9);
    ASSERT_EQ(answer.token_ms.size(), answer.token_ids.size());
    EXPECT_EQ(answer.token_ms.front(), answer.time_to_first_token_ms);
    EXPECT_EQ(std::accumulate(answer.token_ms.begin() + 1, answer.token_ms.end(), 0.0),
              answer.decode_ms);
  }
}

}  // namespace
}  // namespace ufvideo
