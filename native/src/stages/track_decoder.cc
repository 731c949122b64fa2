#include "ufvideo/stages/track_decoder.h"

#include "ort/graph.h"

namespace ufvideo {

TrackDecoder::TrackDecoder(const Package& package, const RuntimeConfig& config)
    : Stage(package, "track_decoder", config) {}

TrackCandidates TrackDecoder::decode(const MaskFeatures& features,
                                     const Tensor& conditioned_features) const {
  const std::vector<Tensor> outputs =
      graph().run({{"conditioned_features", conditioned_features},
                   {"high_res_features_0", features.high_res_features_0},
                   {"high_res_features_1", features.high_res_features_1}},
                  {"mask_logits", "iou_scores", "object_scores", "object_pointers"});
  return {outputs[0], outputs[1], outputs[2], outputs[3]};
}

}  // namespace ufvideo
