#pragma once

#include "ufvideo/stages/mask_encoder.h"
#include "ufvideo/stages/stage.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// Masks of O objects on one frame, all three candidates of each.
struct TrackCandidates {
  /// Low-resolution logits, float32 [O, 3, 4h, 4w].
  Tensor mask_logits;
  /// Predicted IoU, float32 [O, 3].
  Tensor iou_scores;
  /// Object presence logit, float32 [O, 1].
  Tensor object_scores;
  /// Object pointers, float32 [O, 3, C]; of an absent object the one that SAM 2 has for that.
  Tensor object_pointers;
};

/// SAM 2's mask decoder without a prompt, for frames that memory carries an object to.
///
/// graph: conditioned_features float32 [O, C, h, w], high_res_features_0, high_res_features_1 of
///        one frame
///     -> mask_logits, iou_scores, object_scores, object_pointers
class TrackDecoder : public Stage {
 public:
  TrackDecoder(const Package& package, const RuntimeConfig& config);

  /// @param features of one frame.
  /// @param conditioned_features float32 [O, C, h, w].
  TrackCandidates decode(const MaskFeatures& features, const Tensor& conditioned_features) const;
};

}  // namespace ufvideo
