#include "ufvideo/video_stream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <optional>
#include <thread>
#include <tuple>
#include <vector>

#include "error_expectation.h"
#include "tiny_model.h"

namespace ufvideo {
namespace {

// The tiny model looks at 4 frames.
constexpr int kMost = 4;

Tensor frame(std::int64_t idx) { return noise(idx, 1).reshaped({kHeight, kWidth, 3}); }

StreamConfig config_of(int num_prefixes, std::optional<int> drop_pairs = std::nullopt) {
  StreamConfig config;
  config.num_prefixes = num_prefixes;
  config.drop_pairs = drop_pairs;
  return config;
}

void push(VideoStream& stream, std::int64_t first, std::int64_t count) {
  for (std::int64_t idx = first; idx < first + count; ++idx) {
    stream.push(frame(idx), static_cast<double>(idx));
  }
}

/// A session that looks at the window of a stream.
struct Watching {
  explicit Watching(VideoStream& live)
      : stream(live), session(tiny_model(), live.feature_store()) {}

  Generation asks(const Prompt& prompt, int max_new_tokens = 12) {
    session.look_at(stream.window());
    return session.generate(prompt, greedy(max_new_tokens));
  }

  VideoStream& stream;
  Session session;
};

/// The answer of a session that is opened on these frames.
Generation of_frames(const std::vector<std::int64_t>& idxs, const Prompt& prompt) {
  Session session(tiny_model());
  const auto count = static_cast<std::int64_t>(idxs.size());
  session.open_clip({noise(idxs.front(), count), idxs, false});
  return session.generate(prompt, greedy(12));
}

TEST(VideoStream, AWindowAnswersAsASessionOnItsFrames) {
  for (const StreamConfig& config :
       {config_of(1), config_of(1, 1), config_of(1, 2), config_of(2)}) {
    VideoStream stream(tiny_model(), config);
    Watching watching(stream);
    push(stream, 0, 2);
    for (std::int64_t idx = 2; idx < 40; ++idx) {
      const std::vector<std::int64_t> idxs = stream.window().frame_idxs();
      ASSERT_LE(idxs.size(), kMost);
      const Prompt prompt = ask({21, 22, 23 + idx % 7});
      const Generation ours = watching.asks(prompt);
      const Generation theirs = of_frames(idxs, prompt);
      EXPECT_EQ(ours.token_ids, theirs.token_ids) << idx;
      push(stream, idx, 1);
    }
    const StreamStatistics statistics = stream.statistics();
    EXPECT_EQ(statistics.timings.at("vision_encoder").num_items, 40);
    EXPECT_EQ(statistics.timings.at("aligner").num_calls, 20);
    EXPECT_EQ(watching.session.timings().count("vision_encoder"), 0u);
  }
}

TEST(VideoStream, AnAppendedPairCostsItsOwnTokens) {
  VideoStream stream(tiny_model(), config_of(1));
  Watching watching(stream);
  push(stream, 0, 2);
  const Prompt prompt = ask({21, 22});
  const Generation first = watching.asks(prompt);
  EXPECT_EQ(first.num_reused_tokens, 0);
  push(stream, 2, 2);
  const Generation second = watching.asks(prompt);
  const std::int64_t per_pair = first.num_prefill_tokens - 4;  // two words, the question
  EXPECT_EQ(second.num_reused_tokens, 2 + per_pair);
  EXPECT_EQ(second.num_prefill_tokens, per_pair + 2);
  EXPECT_EQ(watching.asks(prompt).num_reused_tokens, 2 + 2 * per_pair + 1);
}

TEST(VideoStream, TwoPrefixesComputeNoPairAgainWhenTheWindowDrops) {
  std::vector<std::int64_t> most_fed;
  for (const int num_prefixes : {1, 2}) {
    VideoStream stream(tiny_model(), config_of(num_prefixes));
    Watching watching(stream);
    push(stream, 0, 2);
    std::int64_t most = 0;
    watching.asks(ask({21}));
    for (std::int64_t idx = 2; idx < 30; idx += 2) {
      push(stream, idx, 2);
      most = std::max(most, watching.asks(ask({21})).num_prefill_tokens);
    }
    most_fed.push_back(most);
  }
  EXPECT_LT(most_fed[1], most_fed[0]);
}

TEST(VideoStream, ARegionLiesOnAFrameOfTheWindow) {
  VideoStream stream(tiny_model(), config_of(1, 1));
  Watching watching(stream);
  push(stream, 0, 10);
  const std::vector<std::int64_t> idxs = stream.window().frame_idxs();
  Prompt prompt = ask_about_region({31});
  prompt.regions.front().frame_idxs = {idxs[0], idxs[2]};
  EXPECT_EQ(watching.asks(prompt).token_ids, of_frames(idxs, prompt).token_ids);
  EXPECT_EQ(watching.session.missing_frames({0, idxs[0], idxs[3]}), (std::vector<std::int64_t>{0}));
  watching.session.reset();
  EXPECT_EQ(watching.asks(prompt).token_ids, of_frames(idxs, prompt).token_ids);
}

TEST(VideoStream, ThePastIsWhatASessionOnItsFramesSays) {
  StreamConfig config = config_of(1);
  config.history_s = 10.0;
  VideoStream stream(tiny_model(), config);
  push(stream, 0, 30);
  Session session(tiny_model(), stream.feature_store());
  const StreamWindow past = stream.past(20.5, 24.0);
  EXPECT_EQ(past.frame_idxs(), (std::vector<std::int64_t>{22, 23}));
  EXPECT_EQ(stream.past(22.0, 25.0).frame_idxs(), (std::vector<std::int64_t>{22, 23, 24, 25}));
  session.look_at(past);
  EXPECT_EQ(session.generate(ask({21}), greedy(12)).token_ids,
            of_frames({22, 23}, ask({21})).token_ids);
  expect_error(ErrorCode::kInvalidState, {"frame 22 have left"},
               [&] { session.save_clip({11, 12, ask({}).token_ids[2]}); });
  for (const auto& [begin_s, end_s, text] :
       std::vector<std::tuple<double, double, const char*>>{{10.0, 12.0, "nothing is kept"},
                                                            {22.0, 28.0, "at most 4 frames"},
                                                            {23.0, 24.0, "a whole pair"},
                                                            {50.0, 60.0, "a whole pair"},
                                                            {24.0, 23.0, "t0_s <= t1_s"}}) {
    expect_error(ErrorCode::kInvalidInput, {text}, [&] { stream.past(begin_s, end_s); });
  }
}

TEST(VideoStream, HoldsNoMoreAfterManyFramesThanAfterAFew) {
  StreamConfig config = config_of(2);
  config.history_s = 6.0;
  VideoStream stream(tiny_model(), config);
  Watching watching(stream);
  std::vector<std::size_t> held;
  Tensor states(DType::kFloat32, {1, 32});
  std::fill_n(states.data<float>(), states.elements(), 0.5f);
  for (std::int64_t idx = 0; idx < 600; ++idx) {
    push(stream, idx, 1);
    if (idx % 50 == 41) {
      watching.asks(ask({21}), 3);
      watching.session.segment(states, noise(idx, 1), {idx});
      held.push_back(tiny_model()->memory_use().total_bytes);
    }
  }
  EXPECT_EQ(held.front(), held.back());
  EXPECT_EQ(held[held.size() / 2], held.back());
}

TEST(VideoStream, NoFramesAreLeftInTheBudget) {
  const std::size_t before = tiny_model()->memory_use().total_bytes;
  {
    VideoStream stream(tiny_model(), config_of(2));
    Watching watching(stream);
    push(stream, 0, 7);
    watching.asks(ask({21}));
    EXPECT_GT(tiny_model()->memory_use().total_bytes,
              before + stream.statistics().memory_bytes / 2);
  }
  EXPECT_EQ(tiny_model()->memory_use().total_bytes, before);
}

TEST(VideoStream, RefusesWhatDoesNotFit) {
  VideoStream stream(tiny_model(), config_of(1));
  Watching watching(stream);
  push(stream, 0, 1);
  expect_error(ErrorCode::kInvalidState, {"expected two frames or more"},
               [&] { watching.asks(ask({21})); });
  expect_error(ErrorCode::kInvalidInput, {"size of the frames before, [30, 41]", "[31, 41]"},
               [&] { stream.push(Tensor(DType::kUint8, {31, 41, 3}), 1.0); });
  expect_error(ErrorCode::kInvalidInput, {"uint8 [H, W, 3]"},
               [&] { stream.push(Tensor(DType::kUint8, {30, 41, 4}), 1.0); });
  push(stream, 1, 1);
  expect_error(ErrorCode::kInvalidInput, {"another stream's"},
               [&] { tiny_session()->look_at(stream.window()); });
  for (const auto& [change, text] :
       std::vector<std::pair<std::function<void(StreamConfig&)>, const char*>>{
           {[](StreamConfig& config) { config.fps = 0; }, "fps"},
           {[](StreamConfig& config) { config.num_frames = 3; }, "frames: expected an even number"},
           {[](StreamConfig& config) { config.num_frames = 6; }, "2 to 4"},
           {[](StreamConfig& config) { config.num_prefixes = 3; }, "prefixes: expected 1 or 2"},
           {[](StreamConfig& config) { config.drop_pairs = 3; }, "drop_pairs: expected 1 to 2"},
           {[](StreamConfig& config) { config = config_of(2, 2); }, "with two prefixes"},
           {[](StreamConfig& config) { config.history_s = -1; }, "history_s"}}) {
    StreamConfig config;
    change(config);
    expect_error(ErrorCode::kInvalidInput, {text}, [&] { VideoStream(tiny_model(), config); });
  }
}

TEST(VideoStream, ABlueFirstFrameIsTheSameFrame) {
  StreamConfig config = config_of(1);
  config.is_bgr = true;
  VideoStream stream(tiny_model(), config);
  Tensor swapped = frame(3);
  for (std::size_t i = 0; i < swapped.elements(); i += 3) {
    std::swap(swapped.data<std::uint8_t>()[i], swapped.data<std::uint8_t>()[i + 2]);
  }
  stream.push(swapped, 0.0);
  const Tensor kept = stream.frames_after(-1).front()->pixels;
  EXPECT_EQ(std::memcmp(kept.raw(), frame(3).raw(), kept.bytes()), 0);
}

/// A camera, somebody who asks, and somebody who reads statistics.
TEST(VideoStream, ThreadsThatPushAskAndRead) {
  VideoStream stream(tiny_model(), config_of(2));
  push(stream, 0, 2);
  std::atomic<bool> done{false};
  std::thread camera([&] {
    for (std::int64_t idx = 2; idx < 200; ++idx) {
      stream.push(frame(idx), static_cast<double>(idx));
    }
    done = true;
  });
  std::thread reader([&] {
    while (!done) {
      const StreamStatistics statistics = stream.statistics();
      EXPECT_LE(statistics.num_encoded, statistics.num_taken);
      EXPECT_LE(stream.frames_after(-1).size(), kMost + 1u);
      std::this_thread::yield();
    }
  });
  Watching watching(stream);
  std::vector<std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>>> answers;
  do {
    stream.encode_waiting();
    const StreamWindow window = stream.window();
    watching.session.look_at(window);
    const Generation answer = watching.session.generate(ask({21, 22}), greedy(6));
    answers.emplace_back(window.frame_idxs(), answer.token_ids);
  } while (!done);
  camera.join();
  reader.join();
  stream.encode_waiting();
  const StreamStatistics statistics = stream.statistics();
  EXPECT_EQ(statistics.num_pushed, 200);
  EXPECT_EQ(statistics.num_encoded + statistics.num_overflowed, 200);
  EXPECT_EQ(statistics.num_waiting, 0);
  EXPECT_FALSE(answers.empty());
}

}  // namespace
}  // namespace ufvideo
