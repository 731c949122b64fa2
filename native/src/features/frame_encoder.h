#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "ufvideo/feature_store.h"
#include "ufvideo/frame_batches.h"
#include "ufvideo/model.h"
#include "ufvideo/session.h"
#include "ufvideo/statistics.h"

namespace ufvideo {

/// SigLIP features by frame index, and the video tokens made of them. Those of the clip are held
/// until the next clip; those of region frames outside it are kept as the store has room.
class FrameEncoder {
 public:
  /// Features float32 [1, P, Dv] by frame index.
  using FeaturesByIdx = std::unordered_map<std::int64_t, std::shared_ptr<const Tensor>>;

  FrameEncoder(const Model& model, std::shared_ptr<FeatureStore> store);
  ~FrameEncoder();
  FrameEncoder(const FrameEncoder&) = delete;
  FrameEncoder& operator=(const FrameEncoder&) = delete;

  /// Begins a clip of distinct frames: holds those that the store has, and lets go of the clip
  /// before.
  void begin_clip(const std::vector<std::int64_t>& frame_idxs);

  /// Encodes the clip's frames that are not encoded yet.
  ///
  /// @param frames uint8 [F, H, W, 3].
  /// @param on_frame called when another frame is encoded.
  void encode_clip(const Tensor& frames, const std::vector<std::int64_t>& frame_idxs,
                   StageTimings& timings, const std::function<void()>& on_frame);
  std::size_t num_clip_frames() const { return clip_features_.size(); }
  /// Video tokens float32 [N, D] of a clip or an image whose frames are encoded.
  Tensor align(std::vector<std::int64_t> frame_idxs, bool is_image, StageTimings& timings) const;

  /// Features of every frame a prompt's regions lie on: held ones, the others encoded from the
  /// prompt's region_frames. Incomplete once `stopped` says so; it is asked between batches.
  FeaturesByIdx encode_region_frames(const Prompt& prompt, StageTimings& timings,
                                     const std::function<bool()>& stopped);
  bool holds(std::int64_t frame_idx) const {
    return in_clip(frame_idx) || store_->holds_vision(frame_idx);
  }
  bool in_clip(std::int64_t frame_idx) const { return clip_features_.count(frame_idx) != 0; }

  /// Features float32 [F, P, Dv] of frames of the clip.
  Tensor clip_features(const std::vector<std::int64_t>& frame_idxs) const;
  /// Takes over features float32 [F, P, Dv] of the clip's distinct frames, in place of encoding.
  void restore_clip(const Tensor& features, const std::vector<std::int64_t>& frame_idxs);

 private:
  using Keep = std::function<void(std::int64_t frame_idx, Tensor features)>;
  /// Encodes rows of frames batch by batch; `keep` gets [1, P, Dv] in memory of its own.
  void encode_rows(const Tensor& frames, const std::vector<std::int64_t>& frame_idxs,
                   const std::vector<std::int64_t>& rows, StageTimings& timings, const Keep& keep,
                   const std::function<bool()>& stopped) const;
  FeaturesByIdx held_region_features(const Prompt& prompt, std::uint64_t scan);
  void unpin(const FeaturesByIdx& features);

  const Model& model_;
  const std::shared_ptr<FeatureStore> store_;
  /// Pinned in the store.
  FeaturesByIdx clip_features_;
};

/// Frames in one run of a frame graph: frames_per_batch() if Stage::batches_frames(), else one.
std::int64_t frames_per_run(const Stage& encoder, int size_px);

/// Threads that share the resize of a frame: RuntimeConfig::num_threads, else one for each core.
int resize_threads(const RuntimeConfig& config);
/// Rows of `frames` resized to a square and put side by side, uint8 [rows, size_px, size_px, 3].
Tensor resized_rows(const Tensor& frames, const std::vector<std::int64_t>& rows, int size_px,
                    int num_threads, StageTimings& timings);

/// Throws InvalidInput unless frames are uint8 [F, H, W, 3] with one index each, F of 1 or more.
void check_frames(const Tensor& frames, const std::vector<std::int64_t>& frame_idxs,
                  const char* where);

}  // namespace ufvideo
