#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ufvideo/statistics.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// Why an answer ended; kEndToken too where its format allowed nothing but the end token.
enum class StopReason { kEndToken, kMaxNewTokens, kContextFull, kStopped, kCancelled };

/// What a token callback answers. kStop and kCancel both end the answer with the tokens it has, and
/// the session goes on behind them; they differ in the StopReason (kStopped, kCancelled), and
/// Python's SDK makes masks for a stopped answer and none for a cancelled one.
enum class StreamAction { kContinue, kStop, kCancel };

/// A time span of the answer as fractions of the clip, 0 to 1; a moment has start == end.
struct SpanFraction {
  double start;
  double end;
};

/// One answer in token ids, with what later stages need of it.
struct Generation {
  /// Generated ids, end token included when it was produced; an answer whose format left nothing
  /// but the end token ends without it.
  std::vector<std::int64_t> token_ids;
  StopReason stop_reason = StopReason::kEndToken;
  std::vector<SpanFraction> spans;
  /// Index in token_ids of each [SEG] that has a hidden state: with `preceding`, a [SEG] that is
  /// the very first token has none and is left out (docs/model.md, part 7).
  std::vector<std::int64_t> seg_positions;
  /// The language model state of each of them, float32 [O, D].
  Tensor seg_hidden_states;
  /// Of a prompt with choices: the likeliest one, and as ChoiceScores::log_probabilities. An answer
  /// that was cancelled before all were scored has neither.
  std::optional<std::size_t> choice{};
  std::vector<double> choice_log_probabilities{};
  /// Positions prefilled for this answer and those reused from the session's cache.
  std::int64_t num_prefill_tokens = 0;
  std::int64_t num_reused_tokens = 0;
  /// Time inside begin and the first step, and inside the later steps: what the caller does between
  /// steps, or in a token callback, does not count.
  double time_to_first_token_ms = 0.0;
  double decode_ms = 0.0;
  /// Of each of token_ids, time inside the step that made it: first time_to_first_token_ms, then
  /// what decode_ms is the sum of. 0 for the later tokens of a choice. Empty for an answer that the
  /// prompt holds (teacher forced).
  std::vector<double> token_ms{};
  StageTimings timings;
};

/// Masks of O objects on F frames: all that were given, or those decoded before it was cancelled.
struct Segmentation {
  /// COCO run-length code of each mask, [O][F], at the resolution of the frames given
  /// (mask_runs.h): a dense mask of the clip's size would be a hundred times as large.
  std::vector<std::vector<std::string>> runs;
  /// Predicted IoU of the mask that was taken, float32 [O, F].
  Tensor scores;
  bool cancelled = false;
  StageTimings timings;
};

/// Spans in a token sequence: two adjacent time tokens in order are a span, one alone is a moment;
/// a pair whose end lies before its start is no span and is left out.
std::vector<SpanFraction> find_spans(const std::vector<std::int64_t>& token_ids,
                                     std::int64_t time_first_id, int num_time_tokens);

}  // namespace ufvideo
