#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "decode/sampler.h"
#include "ufvideo/config.h"
#include "ufvideo/generation.h"
#include "ufvideo/manifest.h"
#include "ufvideo/tensor.h"
#include "ufvideo/token_automaton.h"

namespace ufvideo {

/// What the loop needs of a language model: feed one token, get logits and state. A test gives a
/// fake one.
class TokenStepper {
 public:
  struct Output {
    /// float32 [V].
    Tensor logits;
    /// State of the last position after the final norm, float32 [D], on whatever device.
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
  /// @param response_format what the answer may be; null: anything. The answer ends, without
  /// another
  ///     step, where it allows nothing but the end token.
  DecodeLoop(const TokenConfig& tokens, SegHiddenState seg_hidden_state,
             const GenerationConfig& config,
             std::shared_ptr<const TokenAutomaton> response_format = nullptr);

  /// Begins with what the prefill gave; the prompt's ids are what a repetition penalty looks at.
  void start(TokenStepper::Output prefill, const std::vector<std::int64_t>& prompt_ids = {});
  /// Begins with an answer whose tokens are known: next() returns them, one a call, without a step.
  void start_with(std::vector<std::int64_t> answer_ids);
  bool is_known() const { return !known_ids_.empty(); }
  /// The next token; nothing once the answer has ended. The token before it is fed to the model
  /// only now, so that the last token of an answer costs no step. Throws InferenceFailed when the
  /// state a [SEG] needs is not finite.
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
  std::int64_t next_known();
  /// Samples a token the answer's format allows.
  std::int64_t sample();
  /// The ids to choose the next token among; empty: all.
  std::vector<TokenRange> allowed() const;
  void keep_seg_state();
  /// Whether the answer ends with this token, its last one.
  std::optional<StopReason> reason_to_end(std::int64_t token);

  TokenConfig tokens_;
  SegHiddenState seg_hidden_state_;
  int max_new_tokens_;
  std::size_t min_new_tokens_;
  Sampler sampler_;
  std::shared_ptr<const TokenAutomaton> answer_format_;
  /// Where in the format the answer is.
  std::int64_t format_state_ = 0;
  TokenStepper::Output current_;
  /// State that predicted the token before the last one; empty at first.
  Tensor earlier_state_;
  std::vector<std::int64_t> token_ids_;
  /// All tokens of an answer that was known when it began.
  std::vector<std::int64_t> known_ids_;
  std::vector<std::int64_t> seg_positions_;
  std::vector<Tensor> seg_states_;
  bool ended_ = false;
  StopReason stop_reason_ = StopReason::kEndToken;
};

/// Rows of float32 [D] as one float32 [O, D]; an empty tensor for none.
Tensor stack_rows(const std::vector<Tensor>& rows);

}  // namespace ufvideo
