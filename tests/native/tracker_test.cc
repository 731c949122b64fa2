#include "ufvideo/tracker.h"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

#include "error_expectation.h"
#include "tiny_tracker.h"

namespace ufvideo {
namespace {

TEST(TrackerTest, APromptedFrameHasTheMaskOfASegmentation) {
  Tracker tracker(track_model());
  tracker.add(some_state(1));
  const TrackedFrame first = tracker.step(frame_of_noise(0), 0);
  Session session(track_model());
  const std::int64_t width = some_state(1).dim(0);
  const Segmentation masks = session.segment(some_state(1).reshaped({1, width}), noise(0, 1), {0});
  EXPECT_EQ(first.runs.front(), masks.runs.front().front());
  EXPECT_EQ(first.iou_scores.data<float>()[0], masks.scores.data<float>()[0]);
  EXPECT_TRUE(first.was_prompted.data<bool>()[0]);
  EXPECT_EQ(first.timings.at("memory_encoder").num_items, 1);
  EXPECT_EQ(first.timings.count("memory_attention"), 0u);
  const TrackedFrame second = tracker.step(frame_of_noise(1), 1);
  EXPECT_FALSE(second.was_prompted.data<bool>()[0]);
  EXPECT_EQ(second.timings.count("mask_decoder"), 0u);
  for (const char* stem : {"resize", "mask_encoder", "memory_attention", "track_decoder",
                           "memory_encoder", "mask_resize"}) {
    EXPECT_EQ(second.timings.at(stem).num_calls, 1) << stem;
    EXPECT_EQ(tracker.timings().count(stem), 1u) << stem;
  }
}

TEST(TrackerTest, TheMemoryDecidesWhatIsFound) {
  Tracker remembers(track_model());
  Tracker other(track_model());
  remembers.add(some_state(1));
  other.add(some_state(2));
  step(remembers, 0);
  step(other, 0);
  EXPECT_FALSE(step(remembers, 1).front() == step(other, 1).front());
}

TEST(TrackerTest, AnObjectIsWhatItIsAloneWhoeverIsBesideIt) {
  const auto first = tracked_alone(1, 0, 24);
  const auto second = tracked_alone(2, 5, 24);
  const auto third = tracked_alone(3, 12, 20);
  Tracker tracker(track_model());
  EXPECT_EQ(tracker.add(some_state(1)), 0);
  for (std::int64_t idx = 0; idx < 24; ++idx) {
    if (idx == 5) {
      EXPECT_EQ(tracker.add(some_state(2)), 1);
    }
    if (idx == 12) {
      EXPECT_EQ(tracker.add(some_state(3)), 2);
    }
    if (idx == 20) {
      tracker.remove(2);
    }
    const std::vector<Seen> seen = step(tracker, idx);
    EXPECT_EQ(seen.front(), first[idx]) << idx;
    if (idx >= 5) {
      EXPECT_EQ(seen[1], second[idx - 5]) << idx;
    }
    if (idx >= 12 && idx < 20) {
      EXPECT_EQ(seen[2], third[idx - 12]) << idx;
    }
  }
}

TEST(TrackerTest, IdsNeverComeBack) {
  Tracker tracker(track_model());
  EXPECT_EQ(tracker.add(some_state(1)), 0);
  EXPECT_EQ(tracker.add(some_state(2)), 1);
  step(tracker, 0);
  tracker.remove(1);
  EXPECT_EQ(tracker.add(some_state(2)), 2);
  EXPECT_EQ(tracker.object_ids(), (std::vector<std::int64_t>{0, 2}));
  const std::vector<Seen> seen = step(tracker, 1);
  EXPECT_EQ(seen.back().id, 2);
  EXPECT_TRUE(seen.back().was_prompted);
  for (const auto& refused : {std::int64_t{1}, std::int64_t{3}, std::int64_t{-1}}) {
    expect_error(ErrorCode::kInvalidInput, {"object_id", "[0, 2]"},
                 [&] { tracker.remove(refused); });
    expect_error(ErrorCode::kInvalidInput, {"object_id", "[0, 2]"},
                 [&] { tracker.prompt(refused, some_state(1)); });
  }
}

TEST(TrackerTest, AnObjectIsPromptedAgain) {
  Tracker tracker(track_model());
  Tracker goes_on(track_model());
  const std::int64_t id = tracker.add(some_state(1));
  goes_on.add(some_state(1));
  for (std::int64_t idx = 0; idx < 4; ++idx) {
    EXPECT_EQ(step(tracker, idx), step(goes_on, idx));
  }
  tracker.prompt(id, some_state(5));
  tracker.prompt(id, some_state(2));
  const Seen prompted = step(tracker, 4).front();
  EXPECT_TRUE(prompted.was_prompted);
  EXPECT_EQ(prompted, tracked_alone(2, 4, 5).front());
  step(goes_on, 4);
  EXPECT_FALSE(step(tracker, 5).front() == step(goes_on, 5).front());
}

TEST(TrackerTest, WithoutObjectsAStepFindsNothingAndEncodesNothing) {
  Tracker tracker(track_model());
  const TrackedFrame frame = tracker.step(frame_of_noise(0), 0);
  EXPECT_TRUE(frame.object_ids.empty() && frame.runs.empty());
  EXPECT_EQ(frame.iou_scores.shape(), (Shape{0}));
  EXPECT_TRUE(tracker.timings().empty());
}

TEST(TrackerTest, ACancelledStepChangesNoMemory) {
  Tracker tracker(track_model());
  Tracker unharmed(track_model());
  for (Tracker* each : {&tracker, &unharmed}) {
    each->add(some_state(1));
    each->add(some_state(2));
    step(*each, 0);
    each->prompt(1, some_state(3));
  }
  const std::size_t held = tracker.memory_bytes();
  // Before it begins, and after each of its objects.
  for (std::int64_t when = 0; when <= 2; ++when) {
    CallOptions options;
    options.on_progress = [&](std::int64_t done, std::int64_t total) {
      EXPECT_EQ(total, 2);
      if (done == when) {
        options.cancel.cancel();
      }
    };
    expect_error(ErrorCode::kCancelled, {"track"}, [&] { step(tracker, 1, options); });
    EXPECT_EQ(tracker.memory_bytes(), held);
  }
  for (std::int64_t idx = 1; idx < 5; ++idx) {
    EXPECT_EQ(step(tracker, idx), step(unharmed, idx)) << idx;
  }
}

TEST(TrackerTest, AnExceptionOfTheCallbackEndsAStepUnchanged) {
  Tracker tracker(track_model());
  tracker.add(some_state(1));
  CallOptions options;
  options.on_progress = [](std::int64_t done, std::int64_t) {
    if (done == 1) {
      throw std::runtime_error("enough");
    }
  };
  EXPECT_THROW(step(tracker, 0, options), std::runtime_error);
  EXPECT_EQ(tracker.memory_bytes(), 0u);
  EXPECT_TRUE(step(tracker, 0).front().was_prompted);
}

TEST(TrackerTest, NumbersThatAreNotFiniteChangeNoMemory) {
  Tracker tracker(track_model());
  Tracker unharmed(track_model());
  for (Tracker* each : {&tracker, &unharmed}) {
    each->add(some_state(1));
    step(*each, 0);
  }
  Tensor huge = some_state(2);
  std::fill_n(huge.data<float>(), huge.elements(), std::numeric_limits<float>::max());
  const std::int64_t id = tracker.add(huge);
  expect_error(ErrorCode::kInferenceFailed, {"mask_decoder", "finite"}, [&] { step(tracker, 1); });
  tracker.remove(id);
  EXPECT_EQ(step(tracker, 1), step(unharmed, 1));
  Tensor not_a_number = some_state(2);
  not_a_number.data<float>()[3] = std::numeric_limits<float>::quiet_NaN();
  expect_error(ErrorCode::kInvalidInput, {"seg_hidden_state", "finite"},
               [&] { tracker.add(not_a_number); });
  EXPECT_EQ(tracker.object_ids().size(), 1u);
}

TEST(TrackerTest, RefusesWhatItIsNotMadeFor) {
  Tracker tracker(track_model());
  const std::string width = std::to_string(some_state(0).dim(0));
  expect_error(ErrorCode::kInvalidInput, {"seg_hidden_state", "float32 [" + width + "]", "[3]"},
               [&] { tracker.add(Tensor(DType::kFloat32, {3})); });
  expect_error(ErrorCode::kInvalidInput, {"seg_hidden_states", "[O, " + width + "]"}, [&] {
    tracker.decode_prompts(Tensor(DType::kFloat32, {0, some_state(0).dim(0)}), frame_of_noise(0),
                           0);
  });
  tracker.add(some_state(1));
  expect_error(ErrorCode::kInvalidInput, {"frame", "uint8 [H, W, 3]", "float32"},
               [&] { tracker.step(Tensor(DType::kFloat32, {4, 4, 3}), 0); });
  expect_error(ErrorCode::kInvalidInput, {"frame", "pixels", "no frame size"},
               [&] { tracker.step(std::nullopt, 0); });
  step(tracker, 0);
  expect_error(ErrorCode::kInvalidInput, {"frame", "[30, 41]", "[4, 4]"},
               [&] { tracker.step(Tensor(DType::kUint8, {4, 4, 3}), 1); });
  expect_error(ErrorCode::kInvalidInput, {"pixels of frame 7", "not kept"},
               [&] { tracker.step(std::nullopt, 7); });
}

TEST(TrackerTest, RefusesSettingsOutOfTheirBounds) {
  const int most = track_model()->manifest().tracking->num_memories;
  for (const int refused : {0, most + 1}) {
    TrackerConfig config;
    config.num_memories = refused;
    expect_error(ErrorCode::kInvalidConfig, {"num_memories", "1 to " + std::to_string(most)},
                 [&] { Tracker(track_model(), nullptr, config); });
  }
  for (const int refused : {0, kMaxPromptedFrames + 1}) {
    TrackerConfig config;
    config.max_prompted = refused;
    expect_error(ErrorCode::kInvalidConfig, {"max_prompted", "1 to 8"},
                 [&] { Tracker(track_model(), nullptr, config); });
  }
  expect_error(ErrorCode::kInvalidConfig, {"memory", "\"sam2\" or \"distractor\"", "\"sam3\""},
               [] { parse_track_memory("sam3"); });
}

TEST(TrackerTest, TheMemoryOfDistractorsIsSam2sUntilItHoldsOne) {
  for (const int num_memories : {1, 2, 7}) {
    TrackerConfig config;
    config.num_memories = num_memories;
    Tracker plain(track_model(), nullptr, config);
    config.memory = parse_track_memory("distractor");
    Tracker tracker(track_model(), nullptr, config);
    plain.add(some_state(1));
    tracker.add(some_state(1));
    for (std::int64_t idx = 0; idx < 12; ++idx) {
      // Random weights predict no IoU above 0.8.
      ASSERT_LT(step(tracker, idx).front().iou_score, 0.8f);
      step(plain, idx);
    }
    EXPECT_EQ(step(tracker, 12), step(plain, 12));
    EXPECT_EQ(tracker.memory_bytes(), plain.memory_bytes());
  }
}

TEST(TrackerTest, APackageWithoutTrackingNamesTheCommand) {
  expect_error(ErrorCode::kInvalidPackage,
               {"capability \"track\"", "ufvideo export --add track CHECKPOINT PACKAGE"},
               [] { Tracker tracker(tiny_model()); });
  EXPECT_EQ(tiny_model()->stage_providers().count("memory_encoder"), 0u);
  for (const char* stem : {"memory_encoder", "memory_attention", "track_decoder"}) {
    EXPECT_EQ(track_model()->stage_providers().count(stem), 1u);
    EXPECT_EQ(track_model()->load_timings().count(stem), 1u);
  }
}

TEST(TrackerTest, PromptsAreTriedWithoutAMemory) {
  Tracker tracker(track_model());
  tracker.add(some_state(1));
  step(tracker, 0);
  const std::size_t held = tracker.memory_bytes();
  const std::int64_t width = some_state(1).dim(0);
  Tensor states(DType::kFloat32, {2, width});
  for (int row = 0; row < 2; ++row) {
    std::memcpy(states.rows(row, row + 1).raw(), some_state(row + 2).raw(), width * sizeof(float));
  }
  const std::vector<Seen> seen = seen_of(tracker.decode_prompts(states, frame_of_noise(1), 1));
  EXPECT_EQ(seen[0], tracked_alone(2, 1, 2).front());
  EXPECT_EQ(seen[1], tracked_alone(3, 1, 2).front());
  EXPECT_EQ(seen[1].id, 1);
  EXPECT_EQ(tracker.memory_bytes(), held);
  EXPECT_EQ(step(tracker, 1).front(), tracked_alone(1, 0, 2).back());
}

TEST(TrackerTest, SharesFeaturesWithASession) {
  Session session(track_model());
  session.open_clip({noise(0, 4), indices(0, 4), false});
  const Tensor states = some_state(1).reshaped({1, some_state(1).dim(0)});
  session.segment(states, noise(0, 4), indices(0, 4));
  Tracker tracker(track_model(), session.feature_store());
  tracker.add(some_state(1));
  const auto alone = tracked_alone(1, 0, 6);
  for (std::int64_t idx = 0; idx < 4; ++idx) {
    EXPECT_TRUE(tracker.holds_features(idx));
    EXPECT_EQ(seen_of(tracker.step(std::nullopt, idx)).front(), alone[idx]);
  }
  EXPECT_EQ(tracker.timings().count("mask_encoder"), 0u);
  EXPECT_FALSE(tracker.holds_features(4));
  EXPECT_EQ(step(tracker, 4).front(), alone[4]);
  // And the other way round.
  const Segmentation later = session.segment(states, noise(4, 1), {4});
  EXPECT_EQ(later.timings.count("mask_encoder"), 0u);
  expect_error(ErrorCode::kInvalidInput, {"store", "another model"},
               [&] { Tracker(load_track_model(), session.feature_store()); });
}

TEST(TrackerTest, ASecondThreadIsRefused) {
  Tracker tracker(track_model());
  tracker.add(some_state(1));
  CallOptions options;
  int num_refused = 0;
  options.on_progress = [&](std::int64_t, std::int64_t) {
    std::thread([&] {
      expect_error(ErrorCode::kInvalidState, {"one thread"}, [&] { step(tracker, 0); });
      expect_error(ErrorCode::kInvalidState, {"one thread"}, [&] { tracker.remove(0); });
      // These may be called.
      EXPECT_EQ(tracker.object_ids().size(), 1u);
      EXPECT_LE(tracker.memory_bytes(), track_model()->memory_use().total_bytes);
      tracker.timings();
      ++num_refused;
    }).join();
  };
  step(tracker, 0, options);
  EXPECT_EQ(num_refused, 2);
}

}  // namespace
}  // namespace ufvideo
