#include "ufvideo/session.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "decoded_masks.h"
#include "error_expectation.h"
#include "tiny_model.h"

namespace ufvideo {
namespace {

using Ids = std::vector<std::int64_t>;

const Ids kFirst{21, 22, 23};
const Ids kSecond{31, 32, 33, 34, 35};

/// What a session that was asked nothing before answers.
Ids fresh_answer(const Prompt& prompt, int max_new_tokens) {
  return tiny_session()->generate(prompt, greedy(max_new_tokens)).token_ids;
}

/// Masks of one shape that differ in at most one pixel of 500: batches of another size may round
/// otherwise.
void expect_close_masks(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.shape(), b.shape());
  std::size_t num_other = 0;
  for (std::size_t i = 0; i < a.elements(); ++i) {
    num_other += a.data<bool>()[i] != b.data<bool>()[i];
  }
  EXPECT_LE(num_other * 500, a.elements());
}

TEST(SessionTest, OpensAClipAndAnswers) {
  const auto session = tiny_session();
  // 4 frames and a grid of 4 x 4 patches, joined by twos.
  EXPECT_EQ(session->video_tokens().shape(), (Shape{8, 32}));
  Ids streamed;
  const Generation answer = session->generate(ask(kFirst), greedy(12), [&](std::int64_t id) {
    streamed.push_back(id);
    return StreamAction::kContinue;
  });
  EXPECT_EQ(streamed, answer.token_ids);
  EXPECT_EQ(answer.token_ids.size(), 12u);
  EXPECT_EQ(answer.stop_reason, StopReason::kMaxNewTokens);
  EXPECT_EQ(answer.num_prefill_tokens, 2 + 8 + 3);
  EXPECT_EQ(answer.num_reused_tokens, 0);
}

TEST(SessionTest, TimesEachToken) {
  const auto session = tiny_session();
  const Generation answer = session->generate(ask(kFirst), greedy(12));
  ASSERT_EQ(answer.token_ms.size(), answer.token_ids.size());
  EXPECT_EQ(answer.token_ms.front(), answer.time_to_first_token_ms);
  double decode_ms = 0.0;
  for (std::size_t i = 1; i < answer.token_ms.size(); ++i) {
    EXPECT_GT(answer.token_ms[i], 0.0);
    decode_ms += answer.token_ms[i];
  }
  EXPECT_EQ(decode_ms, answer.decode_ms);
}

TEST(SessionTest, AClipInPiecesIsTheSame) {
  Session pieces(tiny_model());
  pieces.begin_clip(indices(0, 4), false);
  pieces.add_frames(noise(0, 1), indices(0, 1));
  pieces.add_frames(noise(1, 3), indices(1, 3));
  pieces.end_clip();
  const auto whole = tiny_session();
  EXPECT_EQ(pieces.generate(ask(kFirst), greedy(12)).token_ids,
            whole->generate(ask(kFirst), greedy(12)).token_ids);
}

TEST(SessionTest, AnImageStandsForAllFrames) {
  Session session(tiny_model());
  session.open_clip({noise(0, 1), {0}, true});
  EXPECT_EQ(session.video_tokens().shape(), (Shape{8, 32}));
  Prompt prompt = ask(kFirst);
  prompt.token_ids[2] = tiny_model()->manifest().tokens.image_placeholder_id;
  EXPECT_EQ(session.generate(prompt, greedy(4)).token_ids.size(), 4u);
}

TEST(SessionTest, StepsGiveTheSameAnswer) {
  const auto session = tiny_session();
  session->begin(ask(kFirst), greedy(12));
  Ids stepped;
  while (const auto token = session->step()) stepped.push_back(*token);
  EXPECT_EQ(session->finish().token_ids, stepped);
  EXPECT_EQ(stepped, fresh_answer(ask(kFirst), 12));
}

TEST(SessionTest, ASecondQuestionReusesThePrefixAndAnswersAsAFreshSession) {
  const auto session = tiny_session();
  session->generate(ask(kFirst), greedy(12));
  const Generation second = session->generate(ask(kSecond), greedy(12));
  EXPECT_EQ(second.num_reused_tokens, 2 + 8);
  EXPECT_EQ(second.num_prefill_tokens, 5);
  EXPECT_EQ(second.token_ids, fresh_answer(ask(kSecond), 12));
  EXPECT_NE(second.token_ids, fresh_answer(ask(kFirst), 12));
}

TEST(SessionTest, ARegionIsPartOfThePrompt) {
  const auto session = tiny_session();
  session->generate(ask(kFirst), greedy(4));
  const Prompt prompt = ask_about_region(kSecond);
  const Generation answer = session->generate(prompt, greedy(12));
  // Two marked frames give one region token each.
  EXPECT_EQ(answer.num_prefill_tokens, 5 + 2);
  EXPECT_EQ(answer.token_ids, fresh_answer(prompt, 12));
}

TEST(SessionTest, GrowsTheCacheUntilTheContextIsFull) {
  const auto session = tiny_session();
  const Generation answer = session->generate(ask(kFirst), greedy(2000));
  EXPECT_EQ(answer.stop_reason, StopReason::kContextFull);
  // The last token is sampled and not fed.
  EXPECT_EQ(answer.num_prefill_tokens + static_cast<std::int64_t>(answer.token_ids.size()),
            512 + 1);
  EXPECT_EQ(session->generate(ask(kSecond), greedy(12)).token_ids, fresh_answer(ask(kSecond), 12));
}

TEST(SessionTest, APromptBeyondTheContextIsRefusedAndHarmsNothing) {
  const auto session = tiny_session();
  expect_error(ErrorCode::kOutOfMemory, {"512 positions", "got 610"},
               [&] { session->generate(ask(Ids(600, 21)), greedy(4)); });
  EXPECT_EQ(session->generate(ask(kFirst), greedy(12)).token_ids, fresh_answer(ask(kFirst), 12));
}

TEST(SessionTest, CancelEndsTheAnswerAndTheNextIsWhole) {
  const auto session = tiny_session();
  int num_tokens = 0;
  const Generation cancelled = session->generate(ask(kFirst), greedy(12), [&](std::int64_t) {
    if (++num_tokens == 3) session->cancel();
    return StreamAction::kContinue;
  });
  EXPECT_EQ(cancelled.stop_reason, StopReason::kCancelled);
  EXPECT_EQ(cancelled.token_ids.size(), 3u);
  EXPECT_EQ(session->generate(ask(kSecond), greedy(12)).token_ids, fresh_answer(ask(kSecond), 12));
}

TEST(SessionTest, AnotherThreadMayCancelAndNothingElse) {
  const auto session = tiny_session();
  const Generation answer = session->generate(ask(kFirst), greedy(400), [&](std::int64_t) {
    std::thread([&] {
      expect_error(ErrorCode::kInvalidState, {"one thread at a time"},
                   [&] { session->generate(ask(kSecond), greedy(1)); });
      session->cancel();
    }).join();
    return StreamAction::kContinue;
  });
  EXPECT_EQ(answer.stop_reason, StopReason::kCancelled);
  EXPECT_EQ(answer.token_ids.size(), 1u);
}

TEST(SessionTest, ACallbackThatThrowsEndsTheAnswerOnly) {
  const auto session = tiny_session();
  const auto boom = [](std::int64_t) -> StreamAction { throw std::runtime_error("boom"); };
  EXPECT_THROW(session->generate(ask(kFirst), greedy(12), boom), std::runtime_error);
  EXPECT_EQ(session->generate(ask(kFirst), greedy(12)).token_ids, fresh_answer(ask(kFirst), 12));
}

TEST(SessionTest, SessionsInTwoThreadsAnswerAsOneAfterTheOther) {
  const Ids first = fresh_answer(ask(kFirst), 40);
  const Ids second = fresh_answer(ask(kSecond), 40);
  Ids answers[2];
  std::thread one([&] { answers[0] = fresh_answer(ask(kFirst), 40); });
  std::thread two([&] { answers[1] = fresh_answer(ask(kSecond), 40); });
  one.join();
  two.join();
  EXPECT_EQ(answers[0], first);
  EXPECT_EQ(answers[1], second);
}

TEST(SessionTest, TooLittleMemoryForAQuestionHarmsNothing) {
  RuntimeConfig config = tiny_config();
  const auto plenty = tiny_session();
  plenty->generate(ask(kFirst), greedy(4));
  // One block of 256 positions.
  const std::size_t block = plenty->kv_cache_bytes();
  config.kv_cache_bytes = block;
  Session session(Model::load(tiny_package(), config));
  session.open_clip({noise(0, 4), indices(0, 4), false});
  EXPECT_EQ(session.generate(ask(kFirst), greedy(12)).token_ids, fresh_answer(ask(kFirst), 12));
  expect_error(ErrorCode::kOutOfMemory, {"kv_cache_bytes", "512 positions"},
               [&] { session.generate(ask(Ids(300, 21)), greedy(4)); });
  EXPECT_EQ(session.generate(ask(kSecond), greedy(12)).token_ids, fresh_answer(ask(kSecond), 12));
  // The answer itself outgrows the block.
  expect_error(ErrorCode::kOutOfMemory, {"kv_cache_bytes", "512 positions"},
               [&] { session.generate(ask(kFirst), greedy(400)); });
  expect_error(ErrorCode::kOutOfMemory, {"kv_cache_bytes"},
               [&] { session.generate_many({ask(kFirst), ask(kSecond)}, greedy(400)); });
  EXPECT_EQ(session.generate(ask(kFirst), greedy(12)).token_ids, fresh_answer(ask(kFirst), 12));
  EXPECT_EQ(session.kv_cache_bytes(), block);
}

/// States of an answer that holds two [SEG], float32 [2, D].
Tensor two_objects(Session& session) {
  const std::int64_t seg = tiny_model()->manifest().tokens.seg_id;
  const Prompt prompt = ask({21, 22, 41, seg, 42, seg});
  const Generation forced = session.teacher_force(prompt, 5);
  EXPECT_EQ(forced.seg_positions, (Ids{1, 3}));
  EXPECT_EQ(forced.seg_hidden_states.shape(), (Shape{2, 32}));
  return forced.seg_hidden_states;
}

TEST(SessionTest, SegmentsTwoObjectsAsOneAtATime) {
  const auto session = tiny_session();
  const Tensor states = two_objects(*session);
  const Segmentation both = session->segment(states, noise(0, 4), indices(0, 4));
  ASSERT_EQ(both.runs.size(), 2u);
  ASSERT_EQ(both.runs[1].size(), 4u);
  ASSERT_EQ(both.scores.shape(), (Shape{2, 4}));
  for (std::int64_t object = 0; object < 2; ++object) {
    const auto alone_session = tiny_session();
    const Segmentation alone =
        alone_session->segment(states.rows(object, object + 1), noise(0, 4), indices(0, 4));
    expect_close_masks(decoded_masks(alone, 0, 1, kHeight, kWidth),
                       decoded_masks(both, object, object + 1, kHeight, kWidth));
    for (std::int64_t frame = 0; frame < 4; ++frame) {
      EXPECT_TRUE(std::isfinite(alone.scores.data<float>()[frame]));
    }
  }
  EXPECT_NE(both.runs[0], both.runs[1]);
}

TEST(SessionTest, SegmentsMoreObjectsThanTheDecoderTakesAtOnce) {
  const auto session = tiny_session();
  const Tensor two = two_objects(*session);
  const std::int64_t num_objects = kObjectsPerDecoding + 3;
  Tensor states(DType::kFloat32, {num_objects, two.dim(1)});
  for (std::int64_t object = 0; object < num_objects; ++object) {
    for (std::int64_t i = 0; i < two.dim(1); ++i) {
      states.data<float>()[object * two.dim(1) + i] =
          two.data<float>()[i] * static_cast<float>(object + 1) / num_objects +
          two.data<float>()[two.dim(1) + i];
    }
  }
  const Segmentation all = session->segment(states, noise(0, 2), indices(0, 2));
  ASSERT_EQ(all.runs.size(), static_cast<std::size_t>(num_objects));
  EXPECT_EQ(all.timings.at("mask_decoder").num_calls, 4);
  EXPECT_EQ(all.timings.at("mask_decoder").num_items, 2 * num_objects);
  for (const std::int64_t object : {std::int64_t{0}, kObjectsPerDecoding, num_objects - 1}) {
    SCOPED_TRACE(testing::Message() << "object " << object);
    const Segmentation alone =
        session->segment(states.rows(object, object + 1), noise(0, 2), indices(0, 2));
    expect_close_masks(decoded_masks(alone, 0, 1, kHeight, kWidth),
                       decoded_masks(all, object, object + 1, kHeight, kWidth));
    for (std::int64_t frame = 0; frame < 2; ++frame) {
      EXPECT_NEAR(alone.scores.data<float>()[frame], all.scores.data<float>()[object * 2 + frame],
                  1e-5f);
    }
  }
}

TEST(SessionTest, SegmentsFramesFromTheCacheAndInPieces) {
  const auto session = tiny_session();
  const Tensor states = two_objects(*session);
  const Segmentation whole = session->segment(states, noise(0, 6), indices(0, 6));
  const Segmentation again = session->segment(states, noise(0, 6), indices(0, 6));
  EXPECT_EQ(whole.runs, again.runs);
  for (std::int64_t frame = 0; frame < 6; ++frame) {
    const auto other = tiny_session();
    const Segmentation one = other->segment(states, noise(frame, 1), {frame});
    for (std::int64_t object = 0; object < 2; ++object) {
      const Tensor masks =
          decoded_masks(whole, object, object + 1, kHeight, kWidth).reshaped({6, kHeight, kWidth});
      SCOPED_TRACE(testing::Message() << "frame " << frame << ", object " << object);
      expect_close_masks(
          masks.rows(frame, frame + 1),
          decoded_masks(one, object, object + 1, kHeight, kWidth).reshaped({1, kHeight, kWidth}));
    }
  }
}

TEST(SessionTest, TwoHundredQuestionsHoldNoMoreThanTwenty) {
  const auto session = tiny_session();
  const Ids first = fresh_answer(ask(kFirst), 6);
  std::size_t memory_bytes = 0;
  for (int i = 0; i < 200; ++i) {
    SCOPED_TRACE(i);
    if (i % 4 == 3) {
      session->segment(two_objects(*session), noise(0, 2), indices(0, 2));
    } else if (i % 4 == 2) {
      session->generate(ask_about_region(kSecond), greedy(6),
                        [&](std::int64_t) { return StreamAction::kCancel; });
    } else {
      Ids question = kFirst;
      question.resize(3 + i % 4 * 5, 50 + i);
      const Ids answer = session->generate(ask(question), greedy(6)).token_ids;
      if (question == kFirst) {
        ASSERT_EQ(answer, first);
      }
    }
    if (i == 19) memory_bytes = session->memory_bytes();
  }
  EXPECT_EQ(session->memory_bytes(), memory_bytes);
}

}  // namespace
}  // namespace ufvideo
