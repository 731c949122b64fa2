#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ufvideo/stage_providers.h"

namespace ufvideo {

/// The C API this library asks for; headers of ONNX Runtime 1.21, which Debian has, are enough.
inline constexpr int kOnnxRuntimeApi = 21;
/// The oldest ONNX Runtime that runs every package: 1.<this> multiplies int8 blocks on the CPU.
inline constexpr int kMinOnnxRuntimeMinor = 22;

/// What an ONNX Runtime library offers.
struct OnnxRuntimeFacts {
  std::string version;
  std::filesystem::path library;
  /// Provider names as ONNX Runtime spells them, e.g. "CPUExecutionProvider".
  std::vector<std::string> providers;
};

/// Opens the library (once for the process) and says what it is. Throws DeviceUnavailable when it
/// is missing or too old, naming the version found, the version needed and the command that mends
/// it; InvalidConfig when another library is already open in this process. Sets
/// ORT_DISABLE_TELEMETRY=1 in the environment first, unless it is set so: else the library reports
/// to its vendor.
OnnxRuntimeFacts open_onnxruntime(const std::filesystem::path& library);

/// Why an execution provider ("tensorrt", "cuda" or "cpu") cannot start on this machine; nothing
/// when it can. Found out once for the process, whose libraries do not change any more. Throws as
/// open_onnxruntime does.
std::optional<ProviderProblem> find_provider_problem(const std::filesystem::path& library,
                                                     const std::string& provider, int device_id);

}  // namespace ufvideo
