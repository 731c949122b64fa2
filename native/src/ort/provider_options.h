#pragma once

#include <string>

#include "ufvideo/config.h"

namespace ufvideo {

/// Whether the steps of a stage are captured as CUDA graphs.
bool captures_stage(const std::string& stage, const RuntimeConfig& config);

/// What a provider is opened with where nobody says otherwise.
ProviderOptions default_options(const std::string& provider, int device_id);

/// What a provider is opened with for a stage: the defaults, what the configuration says for all
/// stages, what it says for this one, and what its fields stand for.
ProviderOptions session_options_of(const std::string& stage, const std::string& provider,
                                   const RuntimeConfig& config);

}  // namespace ufvideo
