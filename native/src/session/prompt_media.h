#pragma once

#include <cstdint>
#include <vector>

#include "ufvideo/tensor.h"

namespace ufvideo {

/// What stands in a prompt where its placeholders are.
struct PromptMedia {
  bool is_image;
  /// float32 [N, D].
  Tensor video_tokens;
  /// float32 [R, D] of each region.
  std::vector<Tensor> region_tokens;
  /// The pairs of frames whose tokens these are, of a stream's window; of a clip none.
  std::vector<std::int64_t> pair_ids{};
};

}  // namespace ufvideo
