#pragma once

#include <cstdint>

#include "ufvideo/stages/mask_encoder.h"
#include "ufvideo/stages/stage.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// Most objects that the mask decoder takes on a frame at once; more go through in groups.
inline constexpr std::int64_t kObjectsPerDecoding = 16;

/// Masks of O objects on one frame, the best of three candidates by predicted IoU.
struct DecodedMasks {
  /// Low-resolution logits, float32 [O, h, w].
  Tensor mask_logits;
  /// Predicted IoU of all three candidates, float32 [O, 3].
  Tensor iou_scores;
  /// Object presence logit, float32 [O, 1]; never gates a mask (docs/model.md, part 7).
  Tensor object_scores;
  /// Object pointers of the mask taken, float32 [O, C].
  Tensor object_pointers;
};

/// [SEG] projection and SAM 2 mask decoder.
///
/// graph: hidden_states float32 [O, D], image_features float32 [1, C, h, w],
///        high_res_features_0, high_res_features_1
///     -> mask_logits, iou_scores, object_scores, object_pointers
class MaskDecoder : public Stage {
 public:
  MaskDecoder(const Package& package, const RuntimeConfig& config);

  /// @param features of one frame.
  /// @param hidden_states float32 [O, D].
  DecodedMasks decode(const MaskFeatures& features, const Tensor& hidden_states) const;
};

}  // namespace ufvideo
