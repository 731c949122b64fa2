#pragma once

#include <onnxruntime_cxx_api.h>

#include <string>

#include "ort/signature.h"
#include "ufvideo/manifest.h"

namespace ufvideo {

ONNXTensorElementDataType element_type(DType dtype);

/// Compares one side of an opened graph with the manifest. Throws InvalidPackage naming the first
/// input or output whose name, dtype, rank or fixed dimension differs.
void check_border(const Ort::Session& session, const std::string& stage, bool inputs,
                  const Border& border);

}  // namespace ufvideo
