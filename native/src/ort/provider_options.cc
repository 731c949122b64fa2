#include "ort/provider_options.h"

namespace ufvideo {

bool captures_stage(const std::string& stage, const RuntimeConfig& config) {
  return config.cuda_graphs && stage == "language_model";
}

ProviderOptions default_options(const std::string& provider, int device_id) {
  ProviderOptions options{{"device_id", std::to_string(device_id)}};
  if (provider == "cuda") {
    // Memory grows by what is needed: a board shares it with the CPU.
    options["arena_extend_strategy"] = "kSameAsRequested";
    // fp32 means fp32: with TF32 products have 10 bits of mantissa, and answers differ from those
    // of a CPU.
    options["use_tf32"] = "0";
  }
  return options;
}

ProviderOptions session_options_of(const std::string& stage, const std::string& provider,
                                   const RuntimeConfig& config) {
  ProviderOptions options = default_options(provider, config.device_id);
  for (const auto& [name, value] : config.options_of(stage, provider)) {
    options[name] = value;
  }
  if (provider == "cuda" && captures_stage(stage, config)) {
    options["enable_cuda_graph"] = "1";
    if (config.device_memory_limit_bytes) {
      // This stage has an arena of its own.
      options["gpu_mem_limit"] = std::to_string(*config.device_memory_limit_bytes);
    }
  }
  return options;
}

}  // namespace ufvideo
