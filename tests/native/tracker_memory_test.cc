#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "error_expectation.h"
#include "tensor/device_memory.h"
#include "tiny_tracker.h"

namespace ufvideo {
namespace {

/// Bytes of one frame in an object's memory: its features and its pointer.
std::size_t feature_bytes() {
  const Manifest& manifest = track_model()->manifest();
  const int side = manifest.video.mask_logits_size_px / 4;
  return static_cast<std::size_t>(manifest.tracking->memory_width) * side * side * sizeof(float);
}

std::size_t pointer_bytes() {
  const TensorSpec& features = track_model()->manifest().stages.at("mask_encoder").outputs.front();
  return static_cast<std::size_t>(std::get<std::int64_t>(features.shape[1])) * sizeof(float);
}

std::shared_ptr<const Model> model_with_budget(std::size_t bytes) {
  RuntimeConfig config = tiny_config();
  config.memory_budget_bytes = bytes;
  config.mask_cache_bytes = 0;
  return load_track_model(config);
}

TEST(TrackerMemoryTest, IsBoundedWhateverTheLength) {
  const TrackingConfig& tracking = *track_model()->manifest().tracking;
  const std::size_t full =
      tracking.num_memories * feature_bytes() + tracking.max_object_pointers * pointer_bytes();
  Tracker tracker(track_model());
  tracker.add(some_state(1));
  tracker.add(some_state(2));
  for (std::int64_t idx = 0; idx < 500; ++idx) {
    step(tracker, idx % 40);
    if (idx == 0) {
      EXPECT_EQ(tracker.memory_bytes(), 2 * (feature_bytes() + pointer_bytes()));
    }
    if (idx >= tracking.max_object_pointers) {
      ASSERT_EQ(tracker.memory_bytes(), 2 * full) << idx;
    }
  }
  EXPECT_EQ(track_model()->memory_use().held(MemoryKind::kTrackMemory), 2 * full);
  tracker.remove(0);
  EXPECT_EQ(tracker.memory_bytes(), full);
  EXPECT_EQ(track_model()->memory_use().held(MemoryKind::kTrackMemory), full);
}

TEST(TrackerMemoryTest, IsGivenBackWithTheTracker) {
  {
    Tracker tracker(track_model());
    tracker.add(some_state(1));
    step(tracker, 0);
    EXPECT_GT(track_model()->memory_use().held(MemoryKind::kTrackMemory), 0u);
  }
  EXPECT_EQ(track_model()->memory_use().held(MemoryKind::kTrackMemory), 0u);
}

TEST(TrackerMemoryTest, WhatFindsNoRoomHarmsNothing) {
  const std::size_t one = feature_bytes() + pointer_bytes();
  // Two frames of one object, and no third.
  const std::shared_ptr<const Model> model = model_with_budget(2 * one + one / 2);
  Tracker tracker(model);
  tracker.add(some_state(1));
  const auto alone = tracked_alone(1, 0, 3);
  EXPECT_EQ(step(tracker, 0).front(), alone[0]);
  EXPECT_EQ(step(tracker, 1).front(), alone[1]);
  for (int attempt = 0; attempt < 2; ++attempt) {
    expect_error(ErrorCode::kOutOfMemory, {"tracker", "memory_budget_bytes", "1 objects"},
                 [&] { step(tracker, 2); });
    EXPECT_EQ(tracker.memory_bytes(), 2 * one);
    EXPECT_EQ(model->memory_use().total_bytes, 2 * one);
  }
  tracker.add(some_state(2));
  expect_error(ErrorCode::kOutOfMemory, {"2 objects"}, [&] { step(tracker, 2); });
  tracker.remove(0);
  EXPECT_EQ(step(tracker, 2).front(), tracked_alone(2, 2, 3).front());
}

TEST(TrackerMemoryTest, CachesMakeRoomForMemories) {
  RuntimeConfig config = tiny_config();
  config.memory_budget_bytes = 64 * (feature_bytes() + pointer_bytes());
  const std::shared_ptr<const Model> model = load_track_model(config);
  Tracker tracker(model);
  tracker.add(some_state(1));
  const auto alone = tracked_alone(1, 0, 30);
  for (std::int64_t idx = 0; idx < 30; ++idx) {
    ASSERT_EQ(step(tracker, idx).front(), alone[idx]) << idx;
  }
  EXPECT_LE(model->memory_use().peak_bytes, *config.memory_budget_bytes);
}

TEST(TrackerMemoryTest, TwoTrackersTakingTurnsAreEachAlone) {
  for (const bool share : {false, true}) {
    const auto store = share ? std::make_shared<FeatureStore>(*track_model()) : nullptr;
    Tracker first(track_model(), store);
    Tracker second(track_model(), store);
    first.add(some_state(1));
    second.add(some_state(2));
    const auto first_alone = tracked_alone(1, 0, 20);
    const auto second_alone = tracked_alone(2, 3, 20);
    for (std::int64_t idx = 0; idx < 20; ++idx) {
      EXPECT_EQ(step(first, idx).front(), first_alone[idx]);
      if (idx >= 3) {
        EXPECT_EQ(step(second, idx).front(), second_alone[idx - 3]);
      }
    }
    EXPECT_EQ(second.timings().count("mask_encoder"), share ? 0u : 1u);
  }
}

TEST(TrackerMemoryTest, TwoTrackersInTwoThreadsAreEachAlone) {
  const auto expected = tracked_alone(1, 0, 20);
  const auto store = std::make_shared<FeatureStore>(*track_model());
  std::vector<Seen> seen[2];
  std::vector<std::thread> threads;
  for (std::vector<Seen>& each : seen) {
    threads.emplace_back([&each, &store] {
      Tracker tracker(track_model(), store);
      tracker.add(some_state(1));
      for (std::int64_t idx = 0; idx < 20; ++idx) {
        each.push_back(step(tracker, idx).front());
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(seen[0], expected);
  EXPECT_EQ(seen[1], expected);
}

TEST(TrackerMemoryTest, FewerMemoriesReadFewerFrames) {
  TrackerConfig config;
  config.num_memories = 2;
  Tracker tracker(track_model(), nullptr, config);
  tracker.add(some_state(1));
  const auto seven = tracked_alone(1, 0, 20);
  // The second frame reads the prompted one, the third the one before as well.
  for (std::int64_t idx = 0; idx < 3; ++idx) {
    EXPECT_EQ(step(tracker, idx).front(), seven[idx]) << idx;
  }
  EXPECT_FALSE(step(tracker, 3).front() == seven[3]);
  for (std::int64_t idx = 4; idx < 20; ++idx) {
    step(tracker, idx);
  }
  const std::size_t pointers = track_model()->manifest().tracking->max_object_pointers;
  EXPECT_EQ(tracker.memory_bytes(), 2 * feature_bytes() + pointers * pointer_bytes());
}

/// The model with tensors on a "device" that only ONNX Runtime touches.
std::shared_ptr<const Model> device_model() {
  static const std::shared_ptr<const Model> model = [] {
    take_the_cpu_for_a_device(true);
    std::shared_ptr<const Model> opened = load_track_model();
    take_the_cpu_for_a_device(false);
    return opened;
  }();
  return model;
}

void expect_near(const Seen& actual, const Seen& expected) {
  EXPECT_EQ(actual.runs, expected.runs);
  EXPECT_NEAR(actual.iou_score, expected.iou_score, 1e-4);
  EXPECT_NEAR(actual.object_score, expected.object_score, 1e-3);
}

TEST(TrackerDeviceTest, OneObjectIsAsOnTheHostBitForBit) {
  EXPECT_EQ(tracked_alone(1, 0, 20, device_model()), tracked_alone(1, 0, 20));
}

TEST(TrackerDeviceTest, PromptsAreTriedInBatches) {
  constexpr int kNumPrompts = 6;
  const std::int64_t width = some_state(0).dim(0);
  Tensor states(DType::kFloat32, {kNumPrompts, width});
  for (int row = 0; row < kNumPrompts; ++row) {
    copy_content(some_state(row), states.rows(row, row + 1).reshaped({width}));
  }
  Tracker there(device_model());
  const std::vector<Seen> seen = seen_of(there.decode_prompts(states, frame_of_noise(0), 0));
  ASSERT_EQ(seen.size(), std::size_t{kNumPrompts});
  for (int row = 0; row < kNumPrompts; ++row) {
    expect_near(seen[row], tracked_alone(row, 0, 1).front());
  }
  EXPECT_EQ(there.timings().at("mask_decoder").num_calls, 2);
  EXPECT_EQ(there.timings().at("mask_decoder").num_items, kNumPrompts);
}

TEST(TrackerDeviceTest, ObjectsOfEqualShapeGoInOneBatch) {
  Tracker there(device_model());
  Tracker here(track_model());
  for (Tracker* each : {&there, &here}) {
    each->add(some_state(1));
    each->add(some_state(2));
  }
  const int settled = track_model()->manifest().tracking->max_object_pointers;
  const auto runs = [](const Tracker& tracker, const char* stem) {
    const StageTimings timings = tracker.timings();
    const auto found = timings.find(stem);
    return found == timings.end() ? std::int64_t{0} : found->second.num_calls;
  };
  for (std::int64_t idx = 0; idx < settled + 4; ++idx) {
    if (idx == 3) {
      there.add(some_state(3));
      here.add(some_state(3));
    }
    const std::int64_t before = runs(there, "memory_attention");
    const std::vector<Seen> seen = step(there, idx);
    const std::vector<Seen> expected = step(here, idx);
    ASSERT_EQ(seen.size(), expected.size());
    for (std::size_t i = 0; i < seen.size(); ++i) {
      expect_near(seen[i], expected[i]);
    }
    if (idx >= 1 && idx < 3) {
      EXPECT_EQ(runs(there, "memory_attention") - before, 2) << "each alone at first";
    }
    if (idx == settled + 1) {
      EXPECT_EQ(runs(there, "memory_attention") - before, 2) << "the newborn alone";
    }
    if (idx == settled + 3) {
      EXPECT_EQ(runs(there, "memory_attention") - before, 1) << "all together";
    }
  }
  EXPECT_EQ(runs(there, "mask_decoder"), 2) << "prompted together, then the newborn";
  EXPECT_EQ(runs(here, "mask_decoder"), 3);
  EXPECT_EQ(runs(here, "track_decoder"), 2 * (settled + 3) + settled);
  EXPECT_EQ(device_model()->memory_use().held(MemoryKind::kTrackMemory), there.memory_bytes());
}

}  // namespace
}  // namespace ufvideo
