#pragma once

#include <string>

#include "ufvideo/config.h"
#include "ufvideo/package.h"
#include "ufvideo/stage_providers.h"

namespace ufvideo {

/// Opens the graph of one stage as Model::load does and closes it again: what TensorRT builds
/// meanwhile stays in the engine cache that the configuration names. Gives what the stage runs on.
/// Throws what opening a graph does.
StageProviders open_stage(const Package& package, const std::string& stem,
                          const RuntimeConfig& config);

}  // namespace ufvideo
