#include "tensor/finite.h"

#include <algorithm>
#include <cmath>

#include "base/error_message.h"
#include "tensor/logits_scan.h"

namespace ufvideo {

void require_finite(const Tensor& values, const char* what) {
  const float* first = values.data<float>();
  const auto count = static_cast<std::int64_t>(values.elements());
  if (all_finite(first, count)) {
    return;
  }
  const float* bad =
      std::find_if(first, first + count, [](float value) { return !std::isfinite(value); });
  throw NotFiniteError(message(what, ": expected finite numbers, got ", *bad, " at ", bad - first,
                               " of ", shape_string(values.shape())));
}

}  // namespace ufvideo
