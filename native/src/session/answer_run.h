#pragma once

#include <cstdint>
#include <optional>

#include "base/call_context.h"
#include "base/stage_clock.h"
#include "decode/decode_loop.h"
#include "session/clip_features.h"
#include "session/sequence.h"
#include "ufvideo/config.h"
#include "ufvideo/generation.h"
#include "ufvideo/session.h"

namespace ufvideo {

/// What a prompt is answered with. All of it outlives the answer.
struct AnswerParts {
  const Model& model;
  ClipFeatures& clip;
  Sequence& sequence;
  CallContext& call;
  /// Holds what a window keeps when it drops its oldest part; null: nothing does.
  Sequence* next_sequence = nullptr;
};

/// Encodes a prompt's regions and runs it through the language model; nullopt if the call was
/// cancelled.
std::optional<Sequence::Prefill> prefill_prompt(const AnswerParts& parts, const Prompt& prompt,
                                                const Sequence::WantedStates& wanted_states);

/// Prefills a prompt and begins its answer, which has ended already if that was cancelled. Choices
/// are scored here. Writes what the prefill tells of itself to `generation`.
DecodeLoop start_loop(const AnswerParts& parts, const Prompt& prompt,
                      const GenerationConfig& config, Generation& generation);

/// Writes an answer's tokens, and what they point at, to `generation`.
void complete_generation(Generation& generation, const DecodeLoop& loop, const TokenConfig& tokens);

/// One answer under way. When next() throws, there is no answer any more.
class AnswerRun {
 public:
  /// Throws InvalidInput or InvalidConfig when prompt and configuration do not go together.
  AnswerRun(const AnswerParts& parts, Prompt prompt, GenerationConfig config);

  /// Options of the call that began it.
  const CallOptions& call_options() const { return call_options_; }
  /// The next token; nullopt once the answer has ended. The first call prefills.
  std::optional<std::int64_t> next();
  void end(StopReason reason) { loop_.end(reason); }
  /// The answer, ended as kStopped unless it has ended before.
  Generation finish();

 private:
  AnswerParts parts_;
  Clock::time_point begun_;
  /// Empty once it has been prefilled.
  std::optional<Prompt> prompt_;
  GenerationConfig config_;
  CallOptions call_options_;
  StageTimings timings_before_;
  DecodeLoop loop_;
  Generation generation_;
  /// Time inside the constructor.
  double begin_ms_;
};

}  // namespace ufvideo
