#include "ufvideo/stages/mask_encoder.h"

#include <string>
#include <vector>

#include "ort/graph.h"

namespace ufvideo {

MaskFeatures MaskFeatures::frame(std::int64_t index) const {
  return {image_features.rows(index, index + 1), high_res_features_0.rows(index, index + 1),
          high_res_features_1.rows(index, index + 1)};
}

MaskEncoder::MaskEncoder(const Package& package, const RuntimeConfig& config)
    : Stage(package, "mask_encoder", config) {}

MaskFeatures MaskEncoder::encode(const Tensor& frames) const {
  const std::vector<std::string> names{"image_features", "high_res_features_0",
                                       "high_res_features_1"};
  const std::vector<Tensor> outputs = graph().run({{"frames", frames}}, names, {}, {names});
  return {outputs[0], outputs[1], outputs[2]};
}

}  // namespace ufvideo
