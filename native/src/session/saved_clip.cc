#include "session/saved_clip.h"

#include <string>
#include <vector>

#include "base/error_message.h"

namespace ufvideo {

void check_saved_tensor(const char* name, const Tensor& tensor, DType dtype, const Shape& shape) {
  if (tensor.dtype() != dtype || tensor.shape() != shape) {
    fail(ErrorCode::kInvalidInput, "saved clip: ", name, ": expected ", dtype_name(dtype), " ",
         shape_string(shape), ", got ", dtype_name(tensor.dtype()), " ",
         shape_string(tensor.shape()));
  }
}

void check_prefix_ids(const SavedClip& saved, const Manifest& manifest) {
  const TokenConfig& tokens = manifest.tokens;
  const std::int64_t media =
      saved.is_image ? tokens.image_placeholder_id : tokens.video_placeholder_id;
  const std::vector<std::int64_t>& ids = saved.prefix_ids;
  if (ids.empty() || ids.back() != media) {
    fail(ErrorCode::kInvalidInput, "saved clip: prefix_ids: expected ", media,
         " (the clip's placeholder) at their end, got ",
         ids.empty() ? "none" : std::to_string(ids.back()));
  }
  for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= manifest.model.vocab_size || ids[i] == tokens.region_id) {
      fail(ErrorCode::kInvalidInput, "saved clip: prefix_ids[", i,
           "]: expected a word of the vocabulary, 0 to ", manifest.model.vocab_size - 1, ", got ",
           ids[i]);
    }
  }
}

}  // namespace ufvideo
