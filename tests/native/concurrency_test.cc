#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "tiny_model.h"

namespace ufvideo {
namespace {

/// Sessions are shared with threads that cancel and read, as in a server; who drops the last
/// pointer closes the session.
struct Shared {
  std::shared_ptr<Session> session = tiny_session();
  std::atomic<bool> done{false};
  std::mutex mutex;
  /// Of the question under way.
  CancellationToken token;

  CancellationToken next_token() {
    const std::lock_guard<std::mutex> lock(mutex);
    token = CancellationToken();
    return token;
  }
  void cancel_question() {
    const std::lock_guard<std::mutex> lock(mutex);
    token.cancel();
  }
};

void ask_questions(Shared& shared, int num_questions) {
  Session& session = *shared.session;
  Tensor states(DType::kFloat32, {2, 32});
  std::fill_n(states.data<float>(), states.elements(), 0.5f);
  for (int i = 0; i < num_questions; ++i) {
    std::int64_t last_done = 0;
    const CallOptions options{shared.next_token(), [&](std::int64_t done, std::int64_t total) {
                                EXPECT_LE(done, total);
                                last_done = done;
                              }};
    const Prompt prompt = i % 3 == 0 ? ask_about_region({31, 32 + i}) : ask({21, 22, 23 + i});
    if (i % 5 == 1) {
      EXPECT_EQ(session.generate_many({prompt, ask({21})}, greedy(6), nullptr, options).size(), 2u);
    } else if (i % 5 == 2) {
      session.segment(states, noise(0, 3), indices(0, 3), false, options);
    } else if (i % 5 == 3) {
      session.begin(prompt, greedy(8), options);
      while (session.step()) {
        EXPECT_GT(session.memory_bytes(), 0u);
      }
      session.finish();
    } else {
      session.generate(
          prompt, greedy(12),
          [&](std::int64_t) {
            EXPECT_FALSE(session.timings().empty());
            return StreamAction::kContinue;
          },
          options);
    }
  }
  shared.done = true;
}

TEST(Concurrency, ThreadsThatAskCancelReadAndClose) {
  constexpr int kSessions = 3;
  std::vector<std::thread> threads;
  for (int i = 0; i < kSessions; ++i) {
    const auto shared = std::make_shared<Shared>();
    threads.emplace_back([shared] { ask_questions(*shared, 30); });
    threads.emplace_back([shared] {
      while (!shared->done) {
        std::this_thread::sleep_for(std::chrono::milliseconds(3));
        shared->session->cancel();
      }
    });
    threads.emplace_back([shared] {
      while (!shared->done) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        shared->cancel_question();
      }
    });
    threads.emplace_back([shared] {
      while (!shared->done) {
        EXPECT_GE(shared->session->memory_bytes(), shared->session->kv_cache_bytes());
        shared->session->timings();
        std::this_thread::yield();
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  // What came between left nothing behind.
  const auto after = tiny_session();
  EXPECT_EQ(after->generate(ask({21, 22, 23}), greedy(8)).token_ids,
            tiny_session()->generate(ask({21, 22, 23}), greedy(8)).token_ids);
}

TEST(Concurrency, OneTokenEndsTheCallsOfManySessions) {
  const CancellationToken token;
  std::atomic<int> num_begun{0};
  std::atomic<int> num_cancelled{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      const auto session = tiny_session();
      const auto begun = [&, first = true](std::int64_t) mutable {
        num_begun += std::exchange(first, false) ? 1 : 0;
        return StreamAction::kContinue;
      };
      const Generation answer = session->generate(ask({21}), greedy(450), begun, {token});
      num_cancelled += answer.stop_reason == StopReason::kCancelled ? 1 : 0;
    });
  }
  while (num_begun < 3) {
    std::this_thread::yield();
  }
  token.cancel();
  for (std::thread& thread : threads) {
    thread.join();
  }
  // One that was scheduled ahead of the others may have reached the end of the context.
  EXPECT_GE(num_cancelled, 1);
}

}  // namespace
}  // namespace ufvideo
