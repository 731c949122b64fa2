#pragma once

#include "ufvideo/stages/stage.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// The STC connector: joins frames (2k, 2k + 1) and neighbouring patches into video tokens.
///
/// graph: features float32 [T, P, Dv] -> video_tokens float32 [N, D], in (t, h, w) order
class Aligner : public Stage {
 public:
  Aligner(const Package& package, const RuntimeConfig& config);

  Tensor align(const Tensor& features) const;
};

}  // namespace ufvideo
