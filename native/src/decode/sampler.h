#pragma once

#include <cstdint>
#include <random>

#include "ufvideo/config.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// Chooses the next token from logits: greedy, or temperature, top-k and top-p with a seed. The
/// same seed gives the same tokens on every machine that computes the same logits.
class Sampler {
 public:
  explicit Sampler(const GenerationConfig& config);

  /// @param logits float32 [V].
  /// Throws InferenceFailed when a logit is not finite.
  std::int64_t sample(const Tensor& logits);

 private:
  std::int64_t draw(const float* logits, std::int64_t vocab_size, float best_logit);

  GenerationConfig config_;
  std::mt19937_64 engine_;
};

}  // namespace ufvideo
