#pragma once

#include <string>

#include "ufvideo/error.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// A graph gave what is no finite number (fp16 overflows at 65504). Only this run is lost: a
/// session is as it was before it.
class NotFiniteError : public Error {
 public:
  explicit NotFiniteError(const std::string& message)
      : Error(ErrorCode::kInferenceFailed, message) {}
};

/// Throws NotFiniteError naming the first value of float32 `values` that is not finite.
///
/// @param what gave which values, for example "language_model: logits".
void require_finite(const Tensor& values, const char* what);

}  // namespace ufvideo
