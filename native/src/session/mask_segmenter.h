#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/call_context.h"
#include "features/mask_frame_encoder.h"
#include "frames/mask_runs_decoder.h"
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
  std::size_t bytes() const { return encoder_.store()->mask_bytes(); }

 private:
  /// Decodes all objects on one frame into the result's rows.
  void decode(const Tensor& seg_hidden_states, const MaskFeatures& features, std::int64_t frame,
              MaskRunsDecoder& runs, Segmentation& result);
  /// The same for a group of them, whose first is row `first_object`.
  void decode_group(const Tensor& seg_hidden_states, std::int64_t first_object,
                    const MaskFeatures& features, std::int64_t frame, MaskRunsDecoder& runs,
                    Segmentation& result);

  const Model& model_;
  CallContext& call_;
  const MaskFrameEncoder encoder_;
  /// The scan of the request under way.
  std::uint64_t scan_ = 0;
};

}  // namespace ufvideo
