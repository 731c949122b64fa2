#pragma once

#include "ufvideo/tensor.h"

namespace ufvideo {

/// Turns low-resolution mask logits into a binary mask: bilinear to the SAM input size, bilinear to
/// the frame, foreground above 0 (docs/model.md, part 7). Half-pixel centres, no antialias.
///
/// @param logits float32 [side, side].
/// @param out bool [height, width].
void decode_mask(const float* logits, int side, int mask_size_px, int height, int width, bool* out);

/// Shrinks a binary mask bilinearly (half-pixel centres, no antialias) and keeps what is above 0
/// (docs/model.md, part 5).
///
/// @param mask bool [height, width].
/// @return bool [rows, columns].
Tensor shrink_mask(const bool* mask, int height, int width, int rows, int columns);

}  // namespace ufvideo
