#include "ufvideo/stages/vision_encoder.h"

#include "ort/graph.h"

namespace ufvideo {

VisionEncoder::VisionEncoder(const Package& package, const RuntimeConfig& config)
    : Stage(package, "vision_encoder", config) {}

Tensor VisionEncoder::encode(const Tensor& frames) const {
  return graph().run({{"frames", frames}}, {"features"}, {}, {{"features"}}).front();
}

}  // namespace ufvideo
