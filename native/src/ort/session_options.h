#pragma once

#include <onnxruntime_cxx_api.h>

#include "ufvideo/config.h"

namespace ufvideo {

/// Options of a graph's session on any provider.
///
/// @param captures whether the graph is captured as a CUDA graph.
Ort::SessionOptions session_options(const RuntimeConfig& config, bool captures);

}  // namespace ufvideo
