#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "error_expectation.h"
#include "tiny_model.h"
#include "ufvideo/pixel_cache.h"

namespace ufvideo {
namespace {

std::shared_ptr<const Model> model_with(const RuntimeConfig& config) {
  return Model::load(tiny_package(), config);
}

std::unique_ptr<Session> opened(const std::shared_ptr<const Model>& model) {
  auto session = std::make_unique<Session>(model);
  session->open_clip({noise(0, 4), indices(0, 4), false});
  return session;
}

bool equal_bytes(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

std::int64_t num_items(const Session& session, const std::string& stem) {
  const StageTimings timings = session.timings();
  const auto found = timings.find(stem);
  return found == timings.end() ? 0 : found->second.num_items;
}

Tensor one_state() {
  Tensor states(DType::kFloat32, {1, 32});
  std::fill_n(states.data<float>(), states.elements(), 0.5f);
  return states;
}

TEST(FeatureStoreTest, AClipFindsTheFramesOfTheOneBefore) {
  const auto model = tiny_model();
  const auto store = std::make_shared<FeatureStore>(*model);
  Session window(model, store);
  window.open_clip({noise(0, 4), indices(0, 4), false});
  // The window moves on by two frames, as that of a stream does.
  window.begin_clip(indices(2, 4), false);
  EXPECT_EQ(window.missing_frames(indices(2, 4)), indices(4, 2));
  window.add_frames(noise(4, 2), indices(4, 2));
  window.end_clip();
  EXPECT_EQ(num_items(window, "vision_encoder"), 6);
  Session alone(model);
  alone.open_clip({noise(2, 4), indices(2, 4), false});
  EXPECT_TRUE(equal_bytes(window.video_tokens(), alone.video_tokens()));
  EXPECT_EQ(window.generate(ask({21, 22}), greedy(8)).token_ids,
            alone.generate(ask({21, 22}), greedy(8)).token_ids);
}

TEST(FeatureStoreTest, FeaturesOutliveTheSessionThatComputedThem) {
  const auto model = tiny_model();
  const auto store = std::make_shared<FeatureStore>(*model);
  Segmentation first;
  {
    Session session(model, store);
    session.open_clip({noise(0, 4), indices(0, 4), false});
    first = session.segment(one_state(), noise(0, 3), indices(0, 3));
  }
  EXPECT_GT(store->vision_bytes(), 0u);
  EXPECT_GT(store->mask_bytes(), 0u);
  Session again(model, store);
  again.begin_clip(indices(0, 4), false);
  again.end_clip();
  const Segmentation second = again.segment(one_state(), noise(0, 3), indices(0, 3));
  EXPECT_EQ(num_items(again, "vision_encoder"), 0);
  EXPECT_EQ(num_items(again, "mask_encoder"), 0);
  EXPECT_EQ(first.runs, second.runs);
  EXPECT_EQ(again.generate(ask_about_region({21}), greedy(4)).token_ids,
            tiny_session()->generate(ask_about_region({21}), greedy(4)).token_ids);
  EXPECT_TRUE(equal_bytes(again.video_tokens(), tiny_session()->video_tokens()));
}

TEST(FeatureStoreTest, OneOfAnotherModelIsRefused) {
  const auto other = model_with(tiny_config());
  expect_error(ErrorCode::kInvalidInput,
               {"session: store: expected a feature store of this model, got another model's"},
               [&] { Session(tiny_model(), std::make_shared<FeatureStore>(*other)); });
}

TEST(FeatureStoreTest, SessionsWithoutOneShareNothing) {
  const auto first = tiny_session();
  Session second(tiny_model());
  second.begin_clip(indices(0, 4), false);
  expect_error(ErrorCode::kInvalidInput, {"frame 0", "not given"}, [&] { second.end_clip(); });
}

TEST(ModelMemory, TheKvBoundIsThatOfAllSessions) {
  const auto plenty = tiny_session();
  plenty->generate(ask({21}), greedy(2));
  RuntimeConfig config = tiny_config();
  config.kv_cache_bytes = plenty->kv_cache_bytes();
  const auto model = model_with(config);
  auto first = opened(model);
  const auto second = opened(model);
  const Generation answer = first->generate(ask({21, 22}), greedy(4));
  expect_error(ErrorCode::kOutOfMemory, {"kv_cache_bytes", "held by all sessions"},
               [&] { second->generate(ask({21, 22}), greedy(4)); });
  // Nothing is harmed: the second answers once the first has let go.
  first.reset();
  EXPECT_EQ(model->memory_use().held(MemoryKind::kKvCache), 0u);
  EXPECT_EQ(second->generate(ask({21, 22}), greedy(4)).token_ids, answer.token_ids);
}

TEST(ModelMemory, CachesMakeRoomForAnAnswer) {
  const auto plenty = tiny_session();
  plenty->generate(ask({21}), greedy(2));
  const Segmentation masks = plenty->segment(one_state(), noise(0, 3), indices(0, 3));
  // Two clips and the masks' features of one of them, but not the KV cache too.
  RuntimeConfig config = tiny_config();
  config.memory_budget_bytes =
      2 * plenty->memory_bytes() - 2 * plenty->kv_cache_bytes() + plenty->kv_cache_bytes() - 1;
  const auto model = model_with(config);
  const auto idle = opened(model);
  idle->segment(one_state(), noise(0, 3), indices(0, 3));
  PixelCache pixels(*model);
  Tensor frame(DType::kUint8, {kHeight, kWidth, 3});
  std::fill_n(frame.data<std::uint8_t>(), frame.elements(), 7);
  pixels.keep(0, frame);
  EXPECT_EQ(pixels.bytes(), frame.bytes());
  const auto second = opened(model);
  second->segment(one_state(), noise(0, 3), indices(0, 3));
  second->generate(ask({21}), greedy(2));
  const MemoryUse use = model->memory_use();
  EXPECT_LE(use.peak_bytes, *config.memory_budget_bytes);
  EXPECT_FALSE(pixels.holds(0));
  EXPECT_EQ(use.held(MemoryKind::kPixels), 0u);
  // What was evicted is computed again.
  const Segmentation again = idle->segment(one_state(), noise(0, 3), indices(0, 3));
  EXPECT_EQ(again.runs, masks.runs);
}

TEST(ModelMemory, AClipThatFindsNoRoomIsRefused) {
  RuntimeConfig config = tiny_config();
  const auto plenty = tiny_session();
  config.memory_budget_bytes = plenty->memory_bytes() + plenty->memory_bytes() / 2;
  const auto model = model_with(config);
  const auto first = opened(model);
  Session second(model);
  expect_error(ErrorCode::kOutOfMemory, {"clip", "memory_budget_bytes"},
               [&] { second.open_clip({noise(0, 4), indices(0, 4), false}); });
  EXPECT_EQ(first->video_tokens().shape(), (Shape{8, 32}));
}

TEST(ModelMemory, ClosedSessionsHoldNothing) {
  const auto model = model_with(tiny_config());
  {
    const auto session = opened(model);
    session->generate(ask_about_region({21}), greedy(4));
    session->segment(one_state(), noise(0, 3), indices(0, 3));
    EXPECT_EQ(model->memory_use().total_bytes, session->memory_bytes());
  }
  EXPECT_EQ(model->memory_use().total_bytes, 0u);
  EXPECT_GT(model->memory_use().peak_bytes, 0u);
}

/// Sixteen sessions that ask and segment at once have room for a few at a time.
TEST(ModelMemory, SessionsThatGrowAtOnceStayWithinTheBudget) {
  constexpr int kSessions = 16;
  const auto plenty = tiny_session();
  const std::vector<std::int64_t> expected =
      plenty->generate(ask({21, 22, 23}), greedy(300)).token_ids;
  RuntimeConfig config = tiny_config();
  config.memory_budget_bytes = kSessions * (plenty->memory_bytes() - plenty->kv_cache_bytes()) +
                               5 * plenty->kv_cache_bytes();
  const auto model = model_with(config);
  std::vector<std::unique_ptr<Session>> sessions;
  for (int i = 0; i < kSessions; ++i) {
    sessions.push_back(opened(model));
  }
  std::atomic<int> num_ready{0};
  std::atomic<int> num_answered{0};
  std::vector<std::thread> threads;
  for (auto& session : sessions) {
    threads.emplace_back([&] {
      ++num_ready;
      while (num_ready < kSessions) {
        std::this_thread::yield();
      }
      for (int round = 0; round < 3; ++round) {
        try {
          session->segment(one_state(), noise(round, 2), indices(round, 2));
          EXPECT_EQ(session->generate(ask({21, 22, 23}), greedy(300)).token_ids, expected);
          ++num_answered;
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory) << error.what();
        }
        EXPECT_LE(model->memory_use().total_bytes, *config.memory_budget_bytes);
        session->reset();
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_GT(num_answered, 0);
  EXPECT_LE(model->memory_use().peak_bytes, *config.memory_budget_bytes);
  sessions.clear();
  EXPECT_EQ(model->memory_use().total_bytes, 0u);
}

}  // namespace
}  // namespace ufvideo
