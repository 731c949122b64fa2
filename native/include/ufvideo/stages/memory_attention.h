#pragma once

#include "ufvideo/stages/mask_encoder.h"
#include "ufvideo/stages/stage.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// Most prompted frames that an object's memory may hold at once.
inline constexpr int kMaxPromptedFrames = 8;

/// The memories of O objects, K frames and Q pointers for each.
struct TrackMemories {
  /// float32 [O, K, M, h, w].
  Tensor memory_features;
  /// Row of SAM 2's temporal encoding for each memory, int64 [O, K]: 0 for the frame before,
  /// `num_memories` - 1 for a prompted frame.
  Tensor memory_ages;
  /// float32 [O, Q, C].
  Tensor object_pointers;
};

/// SAM 2's memory attention: a frame's features, conditioned on the memories of each object.
///
/// graph: image_features float32 [1, C, h, w], memory_features float32 [O, K, M, h, w],
///        memory_ages int64 [O, K], object_pointers float32 [O, Q, C]
///     -> conditioned_features float32 [O, C, h, w]
class MemoryAttention : public Stage {
 public:
  MemoryAttention(const Package& package, const RuntimeConfig& config);

  /// @param features of one frame.
  /// @return float32 [O, C, h, w].
  Tensor condition(const MaskFeatures& features, const TrackMemories& memories) const;
};

}  // namespace ufvideo
