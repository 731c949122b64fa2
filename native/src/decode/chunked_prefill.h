#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "ufvideo/tensor.h"

namespace ufvideo {

/// Output of one chunk of a prompt.
struct ChunkOutput {
  /// Logits of the last position, float32 [V].
  Tensor logits;
  /// Hidden states of all positions, float32 [S, D], wherever they lie.
  Tensor hidden_states;
};

/// Output of a chunked prefill.
struct PrefillOutput {
  /// Logits of the last position, float32 [V].
  Tensor logits;
  /// State of each row asked for, float32 [D] in memory of its own.
  std::vector<Tensor> states;
};

/// How a prompt is fed.
struct PrefillFeed {
  /// Positions a run takes at most.
  std::int64_t chunk_length;
  /// Feeds float32 [S, D] behind what was fed before.
  std::function<ChunkOutput(const Tensor& embeddings)> run;
  /// Asked before each run; where it says so, the prompt is left there.
  std::function<bool()> is_cancelled;
};

/// Feeds a prompt in pieces, so that no run holds activations of more than one piece, and keeps
/// the states of a few rows only.
///
/// @param embeddings float32 [S, D], S of 1 or more.
/// @param wanted_rows ascending.
/// @return nothing when it was cancelled. Throws InferenceFailed when a state asked for is not
///     finite.
std::optional<PrefillOutput> feed_in_chunks(const Tensor& embeddings,
                                            const std::vector<std::int64_t>& wanted_rows,
                                            const PrefillFeed& feed);

/// Row of float32 [S, D], wherever it lies, as [D] in host memory of its own: the rest of the
/// states can be freed.
Tensor copied_row(const Tensor& states, std::int64_t row);

}  // namespace ufvideo
