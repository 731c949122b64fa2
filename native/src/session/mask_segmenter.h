#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "session/call_context.h"
#include "ufvideo/feature_store.h"
#include "ufvideo/generation.h"
#include "ufvideo/model.h"

namespace ufvideo {

/// Objects and the frames of a clip on which their masks are wanted.
struct SegmentRequest {
  /// float32 [O, D].
  const Tensor& seg_hidden_states;
  /// uint8 [F, H, W, 3].
  const Tensor& frames;
  const std::vector<std::int64_t>& frame_idxs;
  /// Whether this goes on with the request before.
  bool continues;
};

/// Decodes masks, and keeps SAM 2 features by frame for later objects and questions.
class MaskSegmenter {
 public:
  MaskSegmenter(const Model& model, CallContext& call, std::shared_ptr<FeatureStore> store);

  /// Masks of every object on every frame, or on those done before the call was cancelled. Throws
  /// InvalidInput for states or frames of another shape.
  Segmentation segment(const SegmentRequest& request);
  std::size_t bytes() const { return store_->mask_bytes(); }

 private:
  using Features = std::shared_ptr<const MaskFeatures>;

  /// SAM 2 features of frames [first, last), kept ones or encoded in one batch.
  std::vector<Features> features_of(const SegmentRequest& request, std::int64_t first,
                                    std::int64_t last);
  /// Encodes rows of the frames in one batch, keeps the features and adds them to `by_idx`.
  void encode(const SegmentRequest& request, const std::vector<std::int64_t>& rows,
              std::unordered_map<std::int64_t, Features>& by_idx);
  /// Decodes all objects on one frame into the result's rows, by way of `mask`, bool [H, W].
  void decode(const Tensor& seg_hidden_states, const MaskFeatures& features, std::int64_t frame,
              Tensor& mask, Segmentation& result);
  /// The same for a group of them, whose first is row `first_object`.
  void decode_group(const Tensor& seg_hidden_states, std::int64_t first_object,
                    const MaskFeatures& features, std::int64_t frame, Tensor& mask,
                    Segmentation& result);

  const Model& model_;
  CallContext& call_;
  const std::shared_ptr<FeatureStore> store_;
  /// The scan of the request under way.
  std::uint64_t scan_ = 0;
};

}  // namespace ufvideo
