#pragma once

#include "ufvideo/tensor.h"

namespace ufvideo {

/// How to resize; the result is the same, bit for bit.
struct ResizeOptions {
  /// Threads that share the rows of a frame, 1 or more.
  int num_threads = 1;
  /// Whether to use AVX2 or NEON where the processor has it.
  bool use_vectors = true;
};

/// Resizes frames as Pillow's Image.resize(BICUBIC) does, bit for bit: fixed-point separable
/// filters with antialiasing, horizontal pass first, rounded to uint8 between the passes. That is
/// the order of Pillow up to 12, with which the released model was trained and measured; Pillow 13
/// runs the vertical pass first for some sizes (portrait video among them), where its rounding
/// between the passes differs.
///
/// @param frames uint8 [T, H, W, 3].
/// @return uint8 [T, height, width, 3]; `frames` itself when the size is the same already.
Tensor resize_bicubic(const Tensor& frames, int height, int width,
                      const ResizeOptions& options = {});

}  // namespace ufvideo
