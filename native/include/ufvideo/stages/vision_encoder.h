#pragma once

#include "ufvideo/stages/stage.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// SigLIP up to its penultimate layer; rescale, normalise and layout are inside the graph.
///
/// graph: frames uint8 [T, S, S, 3] -> features float32 [T, P, Dv]
class VisionEncoder : public Stage {
 public:
  VisionEncoder(const Package& package, const RuntimeConfig& config);

  /// Encodes frames of the model's own square size.
  Tensor encode(const Tensor& frames) const;
};

}  // namespace ufvideo
