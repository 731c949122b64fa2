#pragma once

#include <onnxruntime_cxx_api.h>

#include <string>

#include "ufvideo/config.h"
#include "ufvideo/stage_providers.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// Adds the execution providers of a stage to the options of its session, each started once for the
/// process before it is trusted: ONNX Runtime itself goes on with the CPU where one cannot start.
///
/// Throws DeviceUnavailable when one cannot start, naming what is missing and the command that
/// mends it, or, with allow_fallback, when none can; InvalidConfig for an option it does not have.
StageProviders append_providers(Ort::SessionOptions& options, const std::string& stage,
                                const RuntimeConfig& config);

/// Where the graphs of these providers may leave what they give; null: in host memory only.
DevicePtr device_of(const StageProviders& providers, const RuntimeConfig& config);

}  // namespace ufvideo
