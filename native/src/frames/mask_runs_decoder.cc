#include "frames/mask_runs_decoder.h"

#include "frames/mask_resize.h"
#include "ufvideo/mask_runs.h"

namespace ufvideo {

MaskRunsDecoder::MaskRunsDecoder(const MaskSizes& sizes)
    : sizes_(sizes), mask_(DType::kBool, {sizes.height, sizes.width}) {}

std::string MaskRunsDecoder::decode(const float* logits) {
  bool* mask = mask_.data<bool>();
  decode_mask(logits, sizes_.logits_px, sizes_.input_px, sizes_.height, sizes_.width, mask);
  return encode_mask_runs(mask, sizes_.height, sizes_.width);
}

}  // namespace ufvideo
