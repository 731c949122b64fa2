#include "ufvideo/stages/aligner.h"

#include "ort/graph.h"

namespace ufvideo {

Aligner::Aligner(const Package& package, const RuntimeConfig& config)
    : Stage(package, "aligner", config) {}

Tensor Aligner::align(const Tensor& features) const {
  return graph().run({{"features", features}}, {"video_tokens"}, {}, {{"video_tokens"}}).front();
}

}  // namespace ufvideo
