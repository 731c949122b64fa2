#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ufvideo/cancellation.h"
#include "ufvideo/feature_store.h"
#include "ufvideo/model.h"
#include "ufvideo/statistics.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// Which frames an object's memory holds.
enum class TrackMemory {
  /// SAM 2's own rule: the prompted frames and the last ones before the frame.
  kSam2,
  /// Besides, up to three frames on which the object was told from one that looks like it, in place
  /// of as many of the last ones: the distractor-resolving memory of DAM4SAM (arXiv 2509.13864).
  kDistractor,
};

/// The rule that a name stands for: "sam2" or "distractor". Throws InvalidConfig for another name.
TrackMemory parse_track_memory(const std::string& name);

/// How a Tracker remembers.
struct TrackerConfig {
  TrackMemory memory = TrackMemory::kSam2;
  /// Most frames in the memory of an object that was prompted once, that prompted one among them:
  /// 1 to the model's own number (TrackingConfig::num_memories); unset: that number. Fewer make a
  /// frame cheaper.
  std::optional<int> num_memories{};
  /// Most prompted frames that are remembered as such, 1 to kMaxPromptedFrames: those nearest in
  /// time. Others count as frames that were not prompted. SAM 2 keeps every prompted frame, which
  /// a stream cannot, so that this is exact while no more frames than these are prompted.
  int max_prompted = 4;
};

/// The O objects of a tracker on one frame, in the order in which they were added.
struct TrackedFrame {
  std::vector<std::int64_t> object_ids;
  /// COCO run-length code of each mask at the frame's own size (mask_runs.h).
  std::vector<std::string> runs;
  /// Predicted IoU of the mask that was taken, float32 [O].
  Tensor iou_scores;
  /// Object presence logit, above 0 if the object is there, float32 [O]; never gates a mask.
  Tensor object_scores;
  /// Whether the object was prompted on this frame, bool [O].
  Tensor was_prompted;
  StageTimings timings;
};

/// Carries objects from frame to frame by SAM 2's memory. An object is prompted on the first frame
/// after add() by its [SEG] state, as Session::segment is; on later frames its memory of the frames
/// before finds it. Frames are given in the order in which they are to be tracked: one after the
/// other, forwards or backwards.
///
/// An object's memory holds a bounded number of frames, in float32, whatever the length of the
/// video; MemoryKind::kTrackMemory counts it. Objects share the features of a frame, which come
/// from a FeatureStore and go there. On the CPU an object's result does not depend on the objects
/// beside it; on a device, objects whose memories are of equal shape go in one batch.
///
/// A step that is cancelled, fails or computes numbers that are not finite changes no memory. A
/// tracker belongs to one thread at a time: a second thread that enters meanwhile gets
/// InvalidState. Any thread may call object_ids(), memory_bytes() and timings(), also from inside a
/// callback.
class Tracker {
 public:
  /// @param store features of the frames' source; null: the tracker creates its own.
  ///
  /// Throws InvalidPackage if the model cannot track, InvalidConfig for a number out of its bounds,
  /// InvalidInput if the store is another model's.
  explicit Tracker(std::shared_ptr<const Model> model,
                   std::shared_ptr<FeatureStore> store = nullptr, const TrackerConfig& config = {});
  ~Tracker();
  Tracker(const Tracker&) = delete;
  Tracker& operator=(const Tracker&) = delete;

  /// Adds an object, which the next step prompts. Returns its id, which no other object of this
  /// tracker gets, not even when it has been removed.
  ///
  /// @param seg_hidden_state float32 [D], finite, else InvalidInput.
  std::int64_t add(const Tensor& seg_hidden_state);
  /// Prompts an object once more, on the next step; the last prompt before it counts. Throws
  /// InvalidInput for an id that no object has, and as add().
  void prompt(std::int64_t object_id, const Tensor& seg_hidden_state);
  /// Forgets an object. Throws InvalidInput for an id that no object has.
  void remove(std::int64_t object_id);

  /// Finds every object on the next frame and remembers it. Progress counts objects.
  ///
  /// Throws Cancelled, InvalidInput if the frame's features are not in the store and no pixels are
  /// given, OutOfMemory if the memories find no room, InferenceFailed; no memory has changed then,
  /// and prompts wait for the next step.
  ///
  /// @param frame uint8 [H, W, 3]; unset if the store has the frame's SAM 2 features: the masks
  ///     are then of the store's frame size.
  /// @param frame_idx the caller's index of the frame, by which the store knows it.
  TrackedFrame step(const std::optional<Tensor>& frame, std::int64_t frame_idx,
                    const CallOptions& options = {});

  /// Masks of prompts on one frame, as step() would find them, without any memory: what a prompt
  /// shows can be seen before an object gets it. The ids are 0 to O - 1. Throws as step().
  ///
  /// @param seg_hidden_states float32 [O, D], finite, O of 1 or more.
  TrackedFrame decode_prompts(const Tensor& seg_hidden_states, const std::optional<Tensor>& frame,
                              std::int64_t frame_idx, const CallOptions& options = {});

  /// Whether step() can do without the pixels of a frame now. Another session may evict its
  /// features at any time.
  bool holds_features(std::int64_t frame_idx) const;

  /// Ids of the objects, in the order in which they were added.
  std::vector<std::int64_t> object_ids() const;
  /// Bytes of all objects' memories.
  std::size_t memory_bytes() const;
  /// Timings of all stages since the tracker was made, as of its last object.
  StageTimings timings() const;

 private:
  struct State;
  class Entry;
  std::unique_ptr<State> state_;
};

}  // namespace ufvideo
