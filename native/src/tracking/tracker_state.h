#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/call_context.h"
#include "config/memory_budget.h"
#include "features/mask_frame_encoder.h"
#include "tracking/distractor_rule.h"
#include "tracking/memory_bank.h"
#include "tracking/object_finder.h"
#include "tracking/track_groups.h"
#include "ufvideo/tracker.h"

namespace ufvideo {

/// An object of a tracker.
struct TrackedObject {
  std::int64_t id;
  MemoryBank bank;
  DistractorRule distractors;
  /// What the next step prompts it with, float32 [1, D].
  std::optional<Tensor> prompt;
};

/// The parts of a tracker, and whether a call is inside it.
struct Tracker::State {
  State(std::shared_ptr<const Model> shared_model, std::shared_ptr<FeatureStore> store,
        const TrackerConfig& config);

  /// Statistics that other threads may read while a call is under way.
  struct Published {
    std::mutex mutex;
    StageTimings timings;
    std::vector<std::int64_t> object_ids;
    std::size_t memory_bytes = 0;
  };

  class LeaseOfBanks;

  void publish();
  TrackedObject& object(std::int64_t id);
  std::size_t bank_bytes() const;
  TrackedFrame step(const std::optional<Tensor>& frame, std::int64_t frame_idx);
  TrackedFrame decode_prompts(const Tensor& states, const std::optional<Tensor>& frame,
                              std::int64_t frame_idx);

  /// A frame's features, and [H, W] of its masks.
  struct Frame {
    MaskFrameEncoder::Features features;
    Shape size;
  };
  Frame encoded(const std::optional<Tensor>& frame, std::int64_t frame_idx);
  Shape frame_size(const std::optional<Tensor>& frame) const;
  /// All objects on a frame, and what is remembered of each.
  struct Found {
    std::vector<FoundObject> objects;
    std::vector<FrameMemory> memories;
  };
  Found find(const MaskFeatures& features);
  std::vector<FoundObject> find_group(const ObjectFinder& finder, const TrackGroup& group,
                                      const std::vector<Recall>& recalls) const;
  /// Everything of the result but ids and prompts.
  TrackedFrame described(const std::vector<FoundObject>& found, const Shape& size);
  void remember(Found found);
  /// How an object remembers the frame; tells its rule of it.
  FrameKind kind_of(const TrackedObject& object, const FoundObject& found,
                    DistractorRule& distractors) const;

  const std::shared_ptr<const Model> model;
  CallContext call;
  const MaskFrameEncoder encoder;
  const BankLimits limits;
  const std::size_t bytes_of_frame;
  const std::size_t objects_per_run;
  MemoryLease lease;
  std::int64_t num_added = 0;
  std::vector<TrackedObject> objects;
  std::atomic<bool> busy{false};
  Published published;
};

}  // namespace ufvideo
