#include "ufvideo/config.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "base/error_message.h"
#include "ufvideo/manifest.h"

namespace ufvideo {
namespace {

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
  const std::vector<std::string>& names = provider_names();
  if (std::find(names.begin(), names.end(), provider) == names.end()) {
    fail(ErrorCode::kInvalidConfig, field, ": expected names among ", joined(names), ", got \"",
         provider, "\"");
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
  const std::vector<std::string>& stems = stage_stems();
  if (std::find(stems.begin(), stems.end(), stage) == stems.end()) {
    fail(ErrorCode::kInvalidConfig, field, ": expected stages among ", joined(stems), ", got \"",
         stage, "\"");
  }
}

/// Refuses a number outside its bounds, both ends included; unset is allowed where it can be.
template <typename Number>
void check_integer(const char* field, const std::optional<Number>& value) {
  const IntegerBounds& bounds = integer_bounds(field);
  // A negative number becomes one beyond every upper bound of a signed setting.
  const auto number = static_cast<std::uint64_t>(value.value_or(0));
  if (value && (number < bounds.low || number > bounds.high)) {
    fail(ErrorCode::kInvalidConfig, field, ": expected an integer from ", bounds.low, " to ",
         bounds.high, ", got ", *value);
  }
}

template <typename Number>
void check_integer(const char* field, Number value) {
  check_integer(field, std::optional<Number>(value));
}

}  // namespace

const IntegerBounds& integer_bounds(const std::string& setting) {
  // Bytes are added and compared as signed numbers elsewhere.
  static const std::map<std::string, IntegerBounds> bounds{
      {"device_id", {0, 127}},
      {"device_memory_limit_bytes", {1, INT64_MAX}},
      {"num_threads", {1, 1024}},
      {"memory_budget_bytes", {0, INT64_MAX}},
      {"mask_cache_bytes", {0, INT64_MAX}},
      {"region_cache_bytes", {0, INT64_MAX}},
      {"pixel_cache_bytes", {0, INT64_MAX}},
      {"kv_cache_bytes", {0, INT64_MAX}},
      {"prefill_chunk_tokens", {1, INT_MAX}},
      {"max_new_tokens", {1, INT_MAX}},
      {"min_new_tokens", {0, INT_MAX}},
      {"top_k", {1, INT_MAX}},
      {"seed", {0, UINT64_MAX}},
  };
  return bounds.at(setting);
}

void RuntimeConfig::validate() const {
  check_providers("providers", providers);
  for (const auto& [stage, own] : stage_providers) {
    check_stage("stage_providers", stage);
    check_providers("stage_providers[\"" + stage + "\"]", own);
  }
  check_options("provider_options", provider_options);
  for (const auto& [stage, options] : stage_provider_options) {
    check_stage("stage_provider_options", stage);
    check_options("stage_provider_options[\"" + stage + "\"]", options);
  }
  if (cuda_graphs && providers_of("language_model").front() != "cuda") {
    fail(ErrorCode::kInvalidConfig,
         "cuda_graphs: expected \"cuda\" first among the providers of language_model, got \"",
         providers_of("language_model").front(), "\"");
  }
  check_integer("device_id", device_id);
  check_integer("device_memory_limit_bytes", device_memory_limit_bytes);
  check_integer("num_threads", num_threads);
  check_integer("memory_budget_bytes", memory_budget_bytes);
  check_integer("mask_cache_bytes", mask_cache_bytes);
  check_integer("region_cache_bytes", region_cache_bytes);
  check_integer("pixel_cache_bytes", pixel_cache_bytes);
  check_integer("kv_cache_bytes", kv_cache_bytes);
  check_integer("prefill_chunk_tokens", prefill_chunk_tokens);
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
  check_integer("max_new_tokens", max_new_tokens);
  check_integer("min_new_tokens", min_new_tokens);
  if (min_new_tokens > max_new_tokens) {
    fail(ErrorCode::kInvalidConfig, "min_new_tokens: expected max_new_tokens, ", max_new_tokens,
         ", or less, got ", min_new_tokens);
  }
  // The sampler computes in float.
  if (!std::isfinite(static_cast<float>(temperature)) || temperature < 0.0) {
    fail(ErrorCode::kInvalidConfig, "temperature: expected a finite number of 0 or more, got ",
         temperature);
  }
  check_integer("top_k", top_k);
  if (top_p && !(*top_p > 0.0 && *top_p <= 1.0)) {
    fail(ErrorCode::kInvalidConfig, "top_p: expected a number above 0 and at most 1, or none, got ",
         *top_p);
  }
  const auto penalty = static_cast<float>(repetition_penalty);
  if (!std::isfinite(penalty) || penalty <= 0.0f) {
    fail(ErrorCode::kInvalidConfig, "repetition_penalty: expected a finite number above 0, got ",
         repetition_penalty);
  }
}

}  // namespace ufvideo
