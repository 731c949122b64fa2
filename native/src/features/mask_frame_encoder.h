#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "ufvideo/feature_store.h"
#include "ufvideo/model.h"
#include "ufvideo/statistics.h"

namespace ufvideo {

/// Frames [first, last) of those given.
struct FrameRange {
  /// uint8 [F, H, W, 3].
  const Tensor& frames;
  /// The caller's index of each of the F frames.
  const std::vector<std::int64_t>& frame_idxs;
  std::int64_t first;
  std::int64_t last;
};

/// SAM 2 features of frames, encoded once and kept in a store.
class MaskFrameEncoder {
 public:
  using Features = std::shared_ptr<const MaskFeatures>;

  MaskFrameEncoder(const Model& model, std::shared_ptr<FeatureStore> store);

  /// How many frames go through one run.
  std::int64_t num_frames_per_run() const;
  /// The features that the store has of a frame; null if there are none.
  Features find(std::int64_t frame_idx, std::uint64_t scan) const;
  /// Features of each frame of a range: kept ones, the others encoded in one batch and kept.
  std::vector<Features> features_of(const FrameRange& range, std::uint64_t scan,
                                    StageTimings& timings) const;

  const std::shared_ptr<FeatureStore>& store() const { return store_; }

 private:
  /// Encodes rows of the frames in one batch, keeps the features and adds them to `by_idx`.
  void encode(const FrameRange& range, const std::vector<std::int64_t>& rows, std::uint64_t scan,
              std::unordered_map<std::int64_t, Features>& by_idx, StageTimings& timings) const;

  const Model& model_;
  const std::shared_ptr<FeatureStore> store_;
};

}  // namespace ufvideo
