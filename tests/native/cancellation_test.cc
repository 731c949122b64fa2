#include "base/cancellation.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "error_expectation.h"
#include "tiny_model.h"

namespace ufvideo {
namespace {

using Ids = std::vector<std::int64_t>;
using Reports = std::vector<std::pair<std::int64_t, std::int64_t>>;

CancellationToken cancelled_token() {
  CancellationToken token;
  token.cancel();
  return token;
}

TEST(CancellationToken, CopiesShareOneStateAndAChildHasItsOwn) {
  const CancellationToken token;
  const CancellationToken copy = token;
  const CancellationToken child = token.child();
  const CancellationToken grandchild = child.child();
  const CancellationToken other = token.child();
  child.cancel();
  EXPECT_TRUE(child.is_cancelled() && grandchild.is_cancelled());
  EXPECT_FALSE(token.is_cancelled() || copy.is_cancelled() || other.is_cancelled());
  copy.cancel();
  EXPECT_TRUE(token.is_cancelled() && other.is_cancelled());
}

TEST(CancellationCallback, RunsAtOnceOrLaterAndNotOnceItIsGone) {
  const CancellationToken token;
  const CancellationToken child = token.child();
  int num_calls = 0;
  const auto count = [&] { ++num_calls; };
  {
    const CancellationCallback gone(child, count);
  }
  const CancellationCallback of_child(child, count);
  const CancellationCallback of_parent(token, count);
  EXPECT_EQ(num_calls, 0);
  child.cancel();
  EXPECT_EQ(num_calls, 1);
  token.cancel();
  EXPECT_EQ(num_calls, 3);
  const CancellationCallback late(child, count);
  EXPECT_EQ(num_calls, 4);
}

TEST(CancellationCallback, IsOutsideItsFunctionWhenItIsGone) {
  for (int i = 0; i < 200; ++i) {
    const CancellationToken token;
    std::atomic<bool> is_there{false};
    std::thread other([&] { token.cancel(); });
    {
      is_there = true;
      const CancellationCallback callback(token.child(), [&] { EXPECT_TRUE(is_there); });
    }
    is_there = false;
    other.join();
  }
}

TEST(CancellationScope, IsOfItsThreadAndNests) {
  EXPECT_EQ(CancellationScope::current(), nullptr);
  const CancellationToken outer;
  const CancellationScope scope(outer);
  {
    const CancellationScope inner(cancelled_token());
    EXPECT_TRUE(CancellationScope::current()->is_cancelled());
  }
  EXPECT_FALSE(CancellationScope::current()->is_cancelled());
  std::thread([] { EXPECT_EQ(CancellationScope::current(), nullptr); }).join();
}

TEST(CancellationScope, EndsARunOfAStage) {
  const CancellationScope scope(cancelled_token());
  EXPECT_THROW(tiny_model()->token_embedder().embed({1}), RunCancelled);
}

TEST(SessionCancellation, ACancelledTokenEndsEveryCallAndNoOther) {
  const auto session = tiny_session();
  const CallOptions ended{cancelled_token()};
  const Prompt prompt = ask({21, 22, 23});
  const Ids whole = session->generate(prompt, greedy(4)).token_ids;
  const Generation none = session->generate(prompt, greedy(4), nullptr, ended);
  EXPECT_EQ(none.stop_reason, StopReason::kCancelled);
  EXPECT_TRUE(none.token_ids.empty());
  for (const Generation& each : session->generate_many({prompt, prompt}, greedy(4), {}, ended)) {
    EXPECT_EQ(each.stop_reason, StopReason::kCancelled);
  }
  session->begin(prompt, greedy(4), ended);
  EXPECT_FALSE(session->step());
  EXPECT_EQ(session->finish().stop_reason, StopReason::kCancelled);
  EXPECT_EQ(session->teacher_force(prompt, 4, ended).stop_reason, StopReason::kCancelled);
  Tensor states(DType::kFloat32, {1, 32});
  std::fill_n(states.data<float>(), 32, 0.5f);
  const Segmentation masks = session->segment(states, noise(0, 3), indices(0, 3), false, ended);
  EXPECT_TRUE(masks.cancelled);
  EXPECT_EQ(masks.runs, std::vector<std::vector<std::string>>(1));
  EXPECT_EQ(masks.scores.shape(), (Shape{1, 0}));
  EXPECT_EQ(session->generate(prompt, greedy(4)).token_ids, whole);
}

TEST(SessionCancellation, ACancelledClipIsNotOpenAndCanBeOpenedAgain) {
  Session session(tiny_model());
  const Clip clip{noise(0, 4), indices(0, 4), false};
  expect_error(ErrorCode::kCancelled, {"clip", "cancelled"},
               [&] { session.open_clip(clip, {cancelled_token()}); });
  CancellationToken later;
  const auto cancel_at_two = [&](std::int64_t done, std::int64_t) {
    if (done == 2) later.cancel();
  };
  session.begin_clip(indices(0, 4), false);
  session.add_frames(noise(0, 2), indices(0, 2), {later, cancel_at_two});
  expect_error(ErrorCode::kCancelled, {"cancelled"},
               [&] { session.add_frames(noise(2, 2), indices(2, 2), {later}); });
  expect_error(ErrorCode::kInvalidState, {"open clip"},
               [&] { session.generate(ask({21}), greedy(2)); });
  session.open_clip(clip);
  EXPECT_EQ(session.generate(ask({21}), greedy(4)).token_ids,
            tiny_session()->generate(ask({21}), greedy(4)).token_ids);
}

TEST(SessionCancellation, CancelOfTheSessionReachesAnAnswerBetweenItsSteps) {
  const auto session = tiny_session();
  session->cancel();
  session->begin(ask({21, 22, 23}), greedy(8));
  EXPECT_TRUE(session->step());
  session->cancel();
  EXPECT_FALSE(session->step());
  const Generation answer = session->finish();
  EXPECT_EQ(answer.stop_reason, StopReason::kCancelled);
  EXPECT_EQ(answer.token_ids.size(), 1u);
  session->cancel();
  EXPECT_EQ(session->generate(ask({21, 22, 23}), greedy(8)).token_ids.size(), 8u);
}

TEST(SessionCancellation, TheFirstStepPrefills) {
  const auto session = tiny_session();
  session->begin(ask({21, 22, 23}), greedy(8));
  EXPECT_EQ(session->timings().count("language_model"), 0u);
  const Generation nothing = session->finish();
  EXPECT_EQ(nothing.stop_reason, StopReason::kStopped);
  EXPECT_EQ(nothing.num_prefill_tokens, 0);
  EXPECT_TRUE(nothing.token_ids.empty());
  session->begin(ask({21, 22, 23}), greedy(8));
  session->step();
  EXPECT_EQ(session->timings().at("language_model").num_calls, 1);
  EXPECT_EQ(session->finish().num_prefill_tokens, 2 + 8 + 3);
}

TEST(SessionProgress, CountsWhatEachCallSays) {
  Reports reports;
  const CallOptions watched{
      {}, [&](std::int64_t done, std::int64_t total) { reports.emplace_back(done, total); }};
  RuntimeConfig config = tiny_config();
  config.prefill_chunk_tokens = 6;
  Session session(Model::load(tiny_package(), config));
  session.open_clip({noise(0, 4), indices(0, 4), false}, watched);
  EXPECT_EQ(reports, (Reports{{0, 4}, {1, 4}, {2, 4}, {3, 4}, {4, 4}}));
  reports.clear();
  session.generate(ask({21, 22, 23}), greedy(4), nullptr, watched);
  EXPECT_EQ(reports, (Reports{{0, 13}, {6, 13}, {12, 13}, {13, 13}}));
  reports.clear();
  session.generate(ask({21, 22, 24}), greedy(4), nullptr, watched);
  EXPECT_EQ(reports, (Reports{{0, 1}, {1, 1}})) << "the rest is reused";
  reports.clear();
  session.generate_many({ask({21}), ask({22}), ask({23})}, greedy(2), nullptr, watched);
  EXPECT_EQ(reports, (Reports{{0, 3}, {1, 3}, {2, 3}, {3, 3}}));
  reports.clear();
  Tensor states(DType::kFloat32, {1, 32});
  std::fill_n(states.data<float>(), 32, 0.5f);
  session.segment(states, noise(0, 2), indices(0, 2), false, watched);
  EXPECT_EQ(reports, (Reports{{0, 2}, {1, 2}, {2, 2}}));
}

TEST(SessionProgress, AnExceptionEndsTheCallAndLeavesASoundSession) {
  RuntimeConfig config = tiny_config();
  config.prefill_chunk_tokens = 6;
  Session session(Model::load(tiny_package(), config));
  session.open_clip({noise(0, 4), indices(0, 4), false});
  const CallOptions failing{{}, [](std::int64_t done, std::int64_t) {
                              if (done >= 6) throw std::runtime_error("boom");
                            }};
  EXPECT_THROW(session.generate(ask({21, 22, 23}), greedy(4), nullptr, failing),
               std::runtime_error);
  session.begin(ask({21, 22, 23}), greedy(4), failing);
  EXPECT_THROW(session.step(), std::runtime_error);
  EXPECT_EQ(session.generate(ask({21, 22, 23}), greedy(4)).token_ids,
            tiny_session()->generate(ask({21, 22, 23}), greedy(4)).token_ids);
}

TEST(SessionStatistics, CanBeReadFromAnyThreadAndInsideACallback) {
  const auto session = tiny_session();
  std::atomic<bool> done{false};
  std::thread other([&] {
    while (!done) {
      EXPECT_GT(session->memory_bytes(), 0u);
      EXPECT_GE(session->memory_bytes(), session->kv_cache_bytes());
      session->timings();
    }
  });
  std::int64_t num_steps = 0;
  for (int i = 0; i < 20; ++i) {
    session->generate(ask({21, 22, 23 + i}), greedy(20), [&](std::int64_t) {
      const std::int64_t now = session->timings().at("language_model").num_calls;
      EXPECT_GT(now, num_steps);
      num_steps = now;
      return StreamAction::kContinue;
    });
  }
  done = true;
  other.join();
}

}  // namespace
}  // namespace ufvideo
