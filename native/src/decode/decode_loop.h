#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "decode/sampler.h"
#include "ufvideo/config.h"
#include "ufvideo/generation.h"
#include "ufvideo/manifest.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// What the loop needs of a language model: feed one token, get logits and state. A test gives a
/// fake one.
class TokenStepper {
 public:
  struct Output {
    /// float32 [V].
    Tensor logits;
    /// State of the last position after the final norm, float32 [D].
    Tensor hidden_state;
  };

  virtual ~TokenStepper() = default;
  virtual Output step(std::int64_t token_id) = 0;
  /// Whether another position fits into the context.
  virtual bool has_room() const = 0;
};

/// One answer, token by token: samples, stops, and keeps the states that [SEG] needs.
class DecodeLoop {
 public:
  DecodeLoop(const TokenFacts& tokens, SegHiddenState seg_hidden_state,
             const GenerationConfig& config);

  /// Begins with what the prefill gave.
  void start(TokenStepper::Output prefill);
  /// The next token; nothing once the answer has ended. The token before it is fed to the model
  /// only now, so that the last token of an answer costs no step.
  std::optional<std::int64_t> next(TokenStepper& stepper);
  /// Ends the answer; later calls of next() give nothing.
  void end(StopReason reason);

  bool ended() const { return ended_; }
  StopReason stop_reason() const { return stop_reason_; }
  const std::vector<std::int64_t>& token_ids() const { return token_ids_; }
  const std::vector<std::int64_t>& seg_positions() const { return seg_positions_; }
  /// float32 [O, D]; empty without a [SEG] that has a state.
  Tensor seg_hidden_states() const;

 private:
  void keep_seg_state();

  TokenFacts tokens_;
  SegHiddenState seg_hidden_state_;
  int max_new_tokens_;
  Sampler sampler_;
  TokenStepper::Output current_;
  /// State that predicted the token before the last one; empty at first.
  Tensor earlier_state_;
  std::vector<std::int64_t> token_ids_;
  std::vector<std::int64_t> seg_positions_;
  std::vector<Tensor> seg_states_;
  bool ended_ = false;
  StopReason stop_reason_ = StopReason::kEndToken;
};

/// Rows of float32 [D] as one float32 [O, D]; an empty tensor for none.
Tensor stack_rows(const std::vector<Tensor>& rows);

/// Row of float32 [S, D] as [D] in memory of its own: the rest of the states can be freed.
Tensor copied_row(const Tensor& states, std::int64_t row);

}  // namespace ufvideo
