#pragma once

#include "ufvideo/manifest.h"
#include "ufvideo/session.h"

namespace ufvideo {

/// Throws InvalidInput unless a tensor of a saved clip has this type and shape.
void check_saved_tensor(const char* name, const Tensor& tensor, DType dtype, const Shape& shape);

/// Throws InvalidInput unless the ids are words of the vocabulary with the clip's placeholder at
/// their end.
void check_prefix_ids(const SavedClip& saved, const Manifest& manifest);

}  // namespace ufvideo
