#include "ufvideo/stages/memory_encoder.h"

#include "ort/graph.h"

namespace ufvideo {

MemoryEncoder::MemoryEncoder(const Package& package, const RuntimeConfig& config)
    : Stage(package, "memory_encoder", config) {}

Tensor MemoryEncoder::encode(const MaskFeatures& features, const Tensor& mask_logits) const {
  return graph()
      .run({{"image_features", features.image_features}, {"mask_logits", mask_logits}},
           {"memory_features"}, {}, {{"memory_features"}})
      .front();
}

}  // namespace ufvideo
