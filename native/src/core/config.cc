#include "ufvideo/config.h"

#include <cmath>
#include <set>
#include <string>

#include "core/error_message.h"

namespace ufvideo {

void RuntimeConfig::validate() const {
  if (providers.empty()) {
    fail(ErrorCode::kInvalidConfig, "providers: expected at least one, got none");
  }
  std::set<std::string> named;
  for (const std::string& provider : providers) {
    if (!named.insert(provider).second) {
      fail(ErrorCode::kInvalidConfig, "providers: expected each once, got \"", provider,
           "\" twice");
    }
    if (provider != "cpu") {
      fail(ErrorCode::kInvalidConfig, "providers: expected \"cpu\", got \"", provider, "\"");
    }
  }
  if (num_threads && (*num_threads < 1 || *num_threads > 1024)) {
    fail(ErrorCode::kInvalidConfig, "num_threads: expected 1 to 1024 or none, got ", *num_threads);
  }
  if (prefill_chunk_tokens < 1) {
    fail(ErrorCode::kInvalidConfig, "prefill_chunk_tokens: expected 1 or more, got ",
         prefill_chunk_tokens);
  }
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
