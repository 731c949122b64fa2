#include "ufvideo/stages/memory_attention.h"

#include "ort/graph.h"

namespace ufvideo {

MemoryAttention::MemoryAttention(const Package& package, const RuntimeConfig& config)
    : Stage(package, "memory_attention", config) {}

Tensor MemoryAttention::condition(const MaskFeatures& features,
                                  const TrackMemories& memories) const {
  return graph()
      .run({{"image_features", features.image_features},
            {"memory_features", memories.memory_features},
            {"memory_ages", memories.memory_ages},
            {"object_pointers", memories.object_pointers}},
           {"conditioned_features"}, {}, {{"conditioned_features"}})
      .front();
}

}  // namespace ufvideo
