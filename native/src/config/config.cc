#include "ufvideo/config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "base/error_message.h"
#include "ufvideo/manifest.h"

namespace ufvideo {
namespace {

constexpr std::array<const char*, 3> kProviders{"tensorrt", "cuda", "cpu"};

struct OwnedOption {
  const char* name;
  const char* mend;
};

/// Options that a field of the configuration stands for, or that need an address.
constexpr std::array<OwnedOption, 6> kOwnedOptions{{
    {"device_id", "set device_id"},
    {"gpu_mem_limit", "set device_memory_limit_bytes"},
    {"has_user_compute_stream", "each session has a stream of its own"},
    {"user_compute_stream", "each session has a stream of its own"},
    {"enable_cuda_graph", "set cuda_graphs"},
    {"trt_cuda_graph_enable", "addresses change from run to run"},
}};

void check_provider(const std::string& field, const std::string& provider) {
  if (std::find(kProviders.begin(), kProviders.end(), provider) == kProviders.end()) {
    fail(ErrorCode::kInvalidConfig, field,
         ": expected names among \"tensorrt\", \"cuda\" and \"cpu\", got \"", provider, "\"");
  }
}

void check_providers(const std::string& field, const std::vector<std::string>& providers) {
  if (providers.empty()) {
    fail(ErrorCode::kInvalidConfig, field, ": expected at least one, got none");
  }
  std::set<std::string> named;
  for (const std::string& provider : providers) {
    if (!named.insert(provider).second) {
      fail(ErrorCode::kInvalidConfig, field, ": expected each once, got \"", provider, "\" twice");
    }
    check_provider(field, provider);
  }
  if (named.count("cpu") != 0 && providers.back() != "cpu") {
    fail(ErrorCode::kInvalidConfig, field, ": expected \"cpu\" last, got \"", providers.back(),
         "\" behind it: it runs every node, so that none would be left");
  }
}

void check_options(const std::string& field,
                   const std::map<std::string, ProviderOptions>& options_by_provider) {
  for (const auto& [provider, options] : options_by_provider) {
    check_provider(field, provider);
    if (provider == "cpu" && !options.empty()) {
      fail(ErrorCode::kInvalidConfig, field, ": expected none for \"cpu\", got \"",
           options.begin()->first, "\"");
    }
    for (const auto& [name, value] : options) {
      for (const OwnedOption& owned : kOwnedOptions) {
        if (name == owned.name) {
          fail(ErrorCode::kInvalidConfig, field,
               ": expected options that no field stands for, got \"", name, "\" for \"", provider,
               "\": ", owned.mend);
        }
      }
    }
  }
}

void check_stage(const std::string& field, const std::string& stage) {
  if (stage_stems().count(stage) == 0) {
    std::string stems;
    for (const std::string& stem : stage_stems()) {
      stems += (stems.empty() ? "" : ", ") + stem;
    }
    fail(ErrorCode::kInvalidConfig, field, ": expected stages among ", stems, ", got \"", stage,
         "\"");
  }
}

}  // namespace

void RuntimeConfig::validate() const {
  check_providers("providers", providers);
  for (const auto& [stage, own] : stage_providers) {
    check_stage("stage_providers", stage);
    check_providers("stage_providers[\"" + stage + "\"]", own);
  }
  if (device_id < 0 || device_id > 127) {
    fail(ErrorCode::kInvalidConfig, "device_id: expected 0 to 127, got ", device_id);
  }
  if (device_memory_limit_bytes && *device_memory_limit_bytes == 0) {
    fail(ErrorCode::kInvalidConfig, "device_memory_limit_bytes: expected 1 or more or none, got 0");
  }
  if (cuda_graphs && providers_of("language_model").front() != "cuda") {
    fail(ErrorCode::kInvalidConfig,
         "cuda_graphs: expected \"cuda\" first among the providers of language_model, got \"",
         providers_of("language_model").front(), "\"");
  }
  check_options("provider_options", provider_options);
  for (const auto& [stage, options] : stage_provider_options) {
    check_stage("stage_provider_options", stage);
    check_options("stage_provider_options[\"" + stage + "\"]", options);
  }
  if (num_threads && (*num_threads < 1 || *num_threads > 1024)) {
    fail(ErrorCode::kInvalidConfig, "num_threads: expected 1 to 1024 or none, got ", *num_threads);
  }
  if (prefill_chunk_tokens < 1) {
    fail(ErrorCode::kInvalidConfig, "prefill_chunk_tokens: expected 1 or more, got ",
         prefill_chunk_tokens);
  }
}

const std::vector<std::string>& RuntimeConfig::providers_of(const std::string& stage) const {
  const auto own = stage_providers.find(stage);
  return own == stage_providers.end() ? providers : own->second;
}

ProviderOptions RuntimeConfig::options_of(const std::string& stage,
                                          const std::string& provider) const {
  ProviderOptions options;
  const auto of_stage = stage_provider_options.find(stage);
  if (of_stage != stage_provider_options.end()) {
    const auto of_provider = of_stage->second.find(provider);
    if (of_provider != of_stage->second.end()) {
      options = of_provider->second;
    }
  }
  const auto of_provider = provider_options.find(provider);
  if (of_provider != provider_options.end()) {
    // Keeps what the stage has set already.
    options.insert(of_provider->second.begin(), of_provider->second.end());
  }
  return options;
}

void GenerationConfig::validate() const {
  if (max_new_tokens < 1) {
    fail(ErrorCode::kInvalidConfig, "max_new_tokens: expected 1 or more, got ", max_new_tokens);
  }
  if (!std::isfinite(temperature) || temperature < 0.0f) {
    fail(ErrorCode::kInvalidConfig, "temperature: expected a finite number of 0 or more, got ",
         temperature);
  }
  if (top_k && *top_k < 1) {
    fail(ErrorCode::kInvalidConfig, "top_k: expected 1 or more or none, got ", *top_k);
  }
  if (top_p && !(*top_p > 0.0f && *top_p <= 1.0f)) {
    fail(ErrorCode::kInvalidConfig, "top_p: expected above 0 and at most 1, or none, got ", *top_p);
  }
  if (!std::isfinite(repetition_penalty) || repetition_penalty <= 0.0f) {
    fail(ErrorCode::kInvalidConfig, "repetition_penalty: expected a finite number above 0, got ",
         repetition_penalty);
  }
}

}  // namespace ufvideo
