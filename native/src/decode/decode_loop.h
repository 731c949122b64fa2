#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "ufvideo/config.h"
#include "ufvideo/generation.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// What the loop needs of a language model: feed one token, get logits and state. A test gives a
/// fake one.
class TokenStepper {
 public:
  struct Output {
    /// float32 [V].
    Tensor logits;
    /// State of the last position, float32 [D].
    Tensor hidden_state;
  };

  virtual ~TokenStepper() = default;
  virtual Output step(std::int64_t token_id) = 0;
  /// Whether another position fits into the context.
  virtual bool has_room() const = 0;
};

/// Chooses the next token from logits: greedy, or temperature, top-k and top-p with a seed.
class Sampler {
 public:
  explicit Sampler(const GenerationConfig& config);

  /// Throws InferenceFailed when the logits are not finite.
  std::int64_t sample(const Tensor& logits);

 private:
  GenerationConfig config_;
  std::mt19937_64 engine_;
};

}  // namespace ufvideo
