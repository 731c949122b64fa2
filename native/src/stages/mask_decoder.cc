#include "ufvideo/stages/mask_decoder.h"

#include "ort/graph.h"

namespace ufvideo {

MaskDecoder::MaskDecoder(const Package& package, const RuntimeConfig& config)
    : Stage(package, "mask_decoder", config) {}

DecodedMasks MaskDecoder::decode(const MaskFeatures& features, const Tensor& hidden_states) const {
  const std::vector<Tensor> outputs =
      graph().run({{"hidden_states", hidden_states},
                   {"image_features", features.image_features},
                   {"high_res_features_0", features.high_res_features_0},
                   {"high_res_features_1", features.high_res_features_1}},
                  {"mask_logits", "iou_scores", "object_scores", "object_pointers"});
  return {outputs[0], outputs[1], outputs[2], outputs[3]};
}

}  // namespace ufvideo
