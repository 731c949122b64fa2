#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "ufvideo/stage_providers.h"

namespace ufvideo {

/// The command that installs an ONNX Runtime with providers for NVIDIA's GPUs.
const char* mend_for_provider();

/// Which file of a provider ("cuda", "tensorrt") is not there; nothing when all are.
///
/// @param library the open libonnxruntime: its providers are libraries beside it.
std::optional<ProviderProblem> missing_provider_file(const std::string& provider,
                                                     const std::filesystem::path& library);

/// What a provider that did not start lacks. Only once ONNX Runtime has tried to start it: what a
/// provider's library needs of ONNX Runtime is there then.
///
/// @param said what ONNX Runtime said about it.
ProviderProblem provider_problem(const std::string& provider, const std::filesystem::path& library,
                                 const std::string& said);

}  // namespace ufvideo
