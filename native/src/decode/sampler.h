#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "ufvideo/config.h"
#include "ufvideo/tensor.h"
#include "ufvideo/token_automaton.h"

namespace ufvideo {

/// Chooses the next token from logits: greedy, or temperature, top-k and top-p with a seed. The
/// same seed gives the same tokens on every machine that computes the same logits.
class Sampler {
 public:
  explicit Sampler(const GenerationConfig& config);

  /// Makes the repetition penalty hold for a token from now on. A negative id, which stands for an
  /// embedding, is left out.
  void has_seen(std::int64_t token_id);
  /// @param logits float32 [V], all finite: the language model sees to that.
  /// @param allowed the ids to choose among, ranges that do not overlap; empty: all.
  std::int64_t sample(const Tensor& logits, const std::vector<TokenRange>& allowed = {});

 private:
  Tensor penalised(const Tensor& logits) const;
  std::int64_t draw(const float* logits, std::vector<std::int64_t> ids, float best_logit);

  float temperature_;
  std::optional<int> top_k_;
  std::optional<float> top_p_;
  float repetition_penalty_;
  std::mt19937_64 engine_;
  std::set<std::int64_t> seen_ids_;
};

}  // namespace ufvideo
