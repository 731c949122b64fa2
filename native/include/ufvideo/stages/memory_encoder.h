#pragma once

#include <cstdint>

#include "ufvideo/stages/mask_encoder.h"
#include "ufvideo/stages/stage.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// Most tracked objects that go through one run, on a device; on the CPU each goes alone. At the
/// released size the attention scores of one object are 0.5 GB, and its 4096 queries alone keep a
/// device busy.
inline constexpr std::int64_t kObjectsPerTracking = 4;

/// SAM 2's memory encoder: what a frame and an object's mask on it leave for later frames. Sigmoid,
/// scale and bias of the mask are inside the graph.
///
/// graph: image_features float32 [1, C, h, w], mask_logits float32 [O, 4h, 4w]
///     -> memory_features float32 [O, M, h, w]
class MemoryEncoder : public Stage {
 public:
  MemoryEncoder(const Package& package, const RuntimeConfig& config);

  /// @param features of one frame.
  /// @param mask_logits float32 [O, 4h, 4w].
  /// @return float32 [O, M, h, w].
  Tensor encode(const MaskFeatures& features, const Tensor& mask_logits) const;
};

}  // namespace ufvideo
