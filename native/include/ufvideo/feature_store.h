#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "ufvideo/stages/mask_encoder.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

struct FrameCaches;
class Model;

/// What a model has computed of the frames of one source, a file or a stream, by frame index:
/// SigLIP and SAM 2 features. Sessions that are given the same store share it: a clip finds the
/// frames that another one has encoded, and a clip's features outlive it. Features of open clips
/// stay, the others within RuntimeConfig::region_cache_bytes and mask_cache_bytes, which bound all
/// stores of the model together. Any thread.
class FeatureStore {
 public:
  explicit FeatureStore(const Model& model);
  ~FeatureStore();
  FeatureStore(const FeatureStore&) = delete;
  FeatureStore& operator=(const FeatureStore&) = delete;

  /// Whether it was made for this model, whose sessions alone may use it.
  bool is_of(const Model& model) const;

  /// Number of a new scan (one segmentation, one question). Entries are evicted for later scans
  /// only.
  std::uint64_t begin_scan();

  bool holds_vision(std::int64_t frame_idx) const;
  /// SigLIP features of a frame, float32 [1, P, Dv]; null if there are none.
  std::shared_ptr<const Tensor> find_vision(std::int64_t frame_idx, std::uint64_t scan);
  /// Keeps features of their own memory, if there is room for them; returns them in any case.
  std::shared_ptr<const Tensor> keep_vision(std::int64_t frame_idx, Tensor features,
                                            std::uint64_t scan);
  /// Holds a frame's features for a clip until unpin_vision(); null if there are none.
  std::shared_ptr<const Tensor> pin_vision(std::int64_t frame_idx);
  /// Adds features for a clip. Throws OutOfMemory, and nothing has changed.
  std::shared_ptr<const Tensor> pin_vision(std::int64_t frame_idx, Tensor features);
  /// Ends a hold on the features that pin_vision() returned.
  void unpin_vision(std::int64_t frame_idx, const std::shared_ptr<const Tensor>& features,
                    std::uint64_t scan);
  /// Drops the features of frames that no clip holds.
  void forget_unpinned_vision();
  std::size_t vision_bytes() const;

  bool holds_mask(std::int64_t frame_idx) const;
  /// SAM 2 features of one frame; null if there are none.
  std::shared_ptr<const MaskFeatures> find_mask(std::int64_t frame_idx, std::uint64_t scan);
  /// As keep_vision.
  std::shared_ptr<const MaskFeatures> keep_mask(std::int64_t frame_idx, MaskFeatures features,
                                                std::uint64_t scan);
  std::size_t mask_bytes() const;
  /// Drops all features of frames before one, but those that a clip holds.
  void drop_before(std::int64_t frame_idx);

  /// Height and width of the source's frames in pixels, [H, W]; empty before they are known.
  Shape frame_size() const;
  void set_frame_size(const Shape& frame_size);

  /// Drops everything, because the indices are those of another source from now on.
  void clear();

 private:
  std::shared_ptr<FrameCaches> caches_;
  const std::uint64_t source_;
  mutable std::mutex mutex_;
  Shape frame_size_;
};

}  // namespace ufvideo
