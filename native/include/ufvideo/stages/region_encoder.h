#pragma once

#include "ufvideo/stages/stage.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// Mask pooling, token merge (native) and the two-layer MLP (graph); docs/model.md, part 5.
///
/// graph: pooled_features float32 [R, Dv] -> region_tokens float32 [R, D]
class RegionEncoder : public Stage {
 public:
  RegionEncoder(const Package& package, const RuntimeConfig& config);

  /// Tokens of one object.
  ///
  /// @param features float32 [F, P, Dv] of the frames on which the object is marked.
  /// @param masks bool [F, H, W].
  /// @return float32 [R, D], 1 <= R <= max_region_tokens.
  Tensor encode(const Tensor& features, const Tensor& masks) const;

 private:
  int max_region_tokens_;
  int patch_grid_;
};

}  // namespace ufvideo
