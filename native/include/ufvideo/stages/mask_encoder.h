#pragma once

#include "ufvideo/stages/stage.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// SAM 2 features of some frames: everything the mask decoder reads of a frame.
struct MaskFeatures {
  /// Coarsest level with `no_mem_embed` added, float32 [F, C, h, w].
  Tensor image_features;
  /// Fine levels after conv_s0 and conv_s1, float32 [F, C/8, 4h, 4w] and [F, C/4, 2h, 2w].
  Tensor high_res_features_0;
  Tensor high_res_features_1;

  /// The features of one frame, sharing the memory.
  MaskFeatures frame(std::int64_t index) const;

  std::size_t bytes() const {
    return image_features.bytes() + high_res_features_0.bytes() + high_res_features_1.bytes();
  }
};

/// SAM 2 image encoder and neck; rescale, normalise and layout are inside the graph.
///
/// graph: frames uint8 [F, S, S, 3] -> image_features, high_res_features_0, high_res_features_1
class MaskEncoder : public Stage {
 public:
  MaskEncoder(const Package& package, const RuntimeConfig& config);

  /// Encodes frames of the mask model's own square size.
  MaskFeatures encode(const Tensor& frames) const;
};

}  // namespace ufvideo
