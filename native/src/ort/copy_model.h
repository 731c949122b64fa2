#pragma once

#include <string>

namespace ufvideo {

/// The smallest ONNX model there is: copy = Identity(bytes), uint8 [N], as ModelProto bytes.
/// Opening it shows whether an execution provider starts; running it moves memory between devices.
std::string copy_model();

inline constexpr const char* kCopyInput = "bytes";
inline constexpr const char* kCopyOutput = "copy";

}  // namespace ufvideo
