#include "package/tensor_check.h"

namespace ufvideo {

std::string spec_shape_string(const TensorSpec& spec) {
  std::string text = "[";
  for (std::size_t axis = 0; axis < spec.shape.size(); ++axis) {
    text += axis == 0 ? "" : ", ";
    if (const auto* number = std::get_if<std::int64_t>(&spec.shape[axis])) {
      text += std::to_string(*number);
    } else {
      text += std::get<std::string>(spec.shape[axis]);
    }
  }
  return text + "]";
}

bool shape_fits(const TensorSpec& spec, const Shape& shape, SymbolSizes& sizes) {
  if (shape.size() != spec.shape.size()) {
    return false;
  }
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (const auto* number = std::get_if<std::int64_t>(&spec.shape[axis])) {
      if (shape[axis] != *number) {
        return false;
      }
    } else {
      const auto& symbol = std::get<std::string>(spec.shape[axis]);
      const auto known = sizes.find(symbol);
      if (known == sizes.end()) {
        sizes.emplace(symbol, shape[axis]);
      } else if (known->second != shape[axis]) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace ufvideo
