#pragma once

#include <string>

#include "ufvideo/tensor.h"

namespace ufvideo {

/// Sizes of a mask on its way from logits to the frame.
struct MaskSizes {
  /// Side of the logits.
  int logits_px;
  /// Side of SAM 2's input.
  int input_px;
  /// The frame's own.
  int height;
  int width;
};

/// Turns mask logits into COCO run-length codes at the frame's own size (decode_mask, then
/// encode_mask_runs); the mask in between is allocated once.
class MaskRunsDecoder {
 public:
  explicit MaskRunsDecoder(const MaskSizes& sizes);

  /// @param logits float32 [logits_px, logits_px].
  std::string decode(const float* logits);

 private:
  MaskSizes sizes_;
  /// bool [H, W].
  Tensor mask_;
};

}  // namespace ufvideo
