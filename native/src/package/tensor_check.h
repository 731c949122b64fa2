#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "ufvideo/manifest.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// Sizes that the symbols of one run stand for.
using SymbolSizes = std::map<std::string, std::int64_t>;

/// "[T, 56, 56, 3]", for messages.
std::string spec_shape_string(const TensorSpec& spec);

/// Whether a shape has the spec's rank, its fixed dimensions, and for every symbol the size that
/// `sizes` holds; symbols seen for the first time are added.
bool shape_fits(const TensorSpec& spec, const Shape& shape, SymbolSizes& sizes);

}  // namespace ufvideo
