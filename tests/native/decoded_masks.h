#pragma once

#include <vector>

#include "ufvideo/generation.h"
#include "ufvideo/mask_runs.h"

namespace ufvideo {

/// Masks of some objects, [first, last), bool [last - first, F, height, width].
inline Tensor decoded_masks(const Segmentation& found, std::int64_t first, std::int64_t last,
                            int height, int width) {
  Tensor masks(DType::kBool, {last - first, found.scores.dim(1), height, width});
  bool* mask = masks.data<bool>();
  for (std::int64_t object = first; object < last; ++object) {
    for (const std::string& runs : found.runs[object]) {
      decode_mask_runs(runs, height, width, mask);
      mask += static_cast<std::ptrdiff_t>(height) * width;
    }
  }
  return masks;
}

}  // namespace ufvideo
