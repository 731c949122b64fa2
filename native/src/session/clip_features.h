#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/call_context.h"
#include "config/memory_budget.h"
#include "features/frame_encoder.h"
#include "session/prompt_media.h"
#include "ufvideo/feature_store.h"
#include "ufvideo/model.h"
#include "ufvideo/session.h"
#include "ufvideo/video_stream.h"

namespace ufvideo {

/// The open clip of a session: its frames' SigLIP features, the video tokens made of them, and the
/// features of other frames that regions lie on.
class ClipFeatures {
 public:
  /// @param store of the source that clips are of; null: each clip is of a source of its own.
  ClipFeatures(const Model& model, CallContext& call, std::shared_ptr<FeatureStore> store);
  ~ClipFeatures();
  ClipFeatures(const ClipFeatures&) = delete;
  ClipFeatures& operator=(const ClipFeatures&) = delete;

  /// Begins a clip in place of the one before. Frames whose features the store has need not be
  /// added. Throws InvalidInput, and nothing has changed, unless there are 2 to num_frames frames,
  /// or 1 of an image; InvalidPackage for fewer than num_frames where the aligner is padded.
  void begin(const std::vector<std::int64_t>& frame_idxs, bool is_image);
  /// Encodes some of its frames, uint8 [F, H, W, 3].
  void add(const Tensor& frames, const std::vector<std::int64_t>& frame_idxs);
  /// Makes the video tokens. Throws InvalidInput when a frame is missing.
  void finish();

  /// Whether it is about exactly the pairs of a window.
  bool looks_at(const StreamWindow& window) const;
  /// Takes a window of a stream in place of the clip before; features of its frames that the store
  /// has are held. Throws InvalidInput if the window is of another store, InvalidState if it has no
  /// pairs, OutOfMemory; nothing has changed then.
  void look_at(const StreamWindow& window);
  /// The pairs that the video tokens are of; none of a clip.
  const std::vector<std::int64_t>& pair_ids() const { return pair_ids_; }
  /// What stays of the window when it drops its oldest part next, where something keeps up with
  /// that and something stays.
  std::optional<PromptMedia> next_media() const;

  /// Throws InvalidInput when a size of what was saved is not this model's.
  void check_saved(const SavedClip& saved) const;
  /// Takes over what was saved, in place of encoding frames, after begin().
  void restore(const SavedClip& saved);
  /// Writes the clip's frames, features and video tokens to what is saved.
  void save_to(SavedClip& saved) const;

  /// Throws InvalidState when no clip is open.
  void require_open(const char* where) const;
  bool is_image() const { return is_image_; }
  /// float32 [N, D]; empty while no clip is open.
  const Tensor& video_tokens() const { return video_tokens_; }
  /// Those of the frames whose features are not held, each once.
  std::vector<std::int64_t> missing(const std::vector<std::int64_t>& frame_idxs) const;

  /// Throws InvalidInput unless a prompt's regions and their frames fit the clip.
  void check_regions(const Prompt& prompt) const;
  /// Region tokens float32 [R, D] of each region; fewer when the call was cancelled.
  std::vector<Tensor> encode_regions(const Prompt& prompt);
  /// Drops the features of region frames, unless other sessions share them.
  void forget_regions();

  /// Where its features are, and those of masks.
  const std::shared_ptr<FeatureStore>& store() const { return store_; }
  std::size_t bytes() const { return store_->vision_bytes() + tokens_lease_.bytes(); }

 private:
  void require_begun() const;
  void set_video_tokens(Tensor video_tokens);

  const Model& model_;
  CallContext& call_;
  const bool shares_store_;
  const std::shared_ptr<FeatureStore> store_;
  FrameEncoder frame_encoder_;
  bool is_image_ = false;
  /// The clip's sampled frames, repeats included.
  std::vector<std::int64_t> frame_idxs_;
  std::vector<std::int64_t> pair_ids_;
  std::optional<std::size_t> num_dropped_next_;
  /// [H, W] of the clip's frames; empty before the first ones came.
  Shape frame_size_;
  Tensor video_tokens_;
  MemoryLease tokens_lease_;
};

}  // namespace ufvideo
