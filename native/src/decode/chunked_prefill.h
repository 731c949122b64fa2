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
  /// Positions of a run, at most.
  std::int64_t chunk_length;
  /// Positions S of the prompt, 1 or more.
  std::int64_t num_positions;
  /// Returns the embeddings of positions `begin` to `end`, float32 [end - begin, D].
  std::function<Tensor(std::int64_t begin, std::int64_t end)> embed;
  /// Feeds float32 [S, D] behind what was fed before.
  std::function<ChunkOutput(const Tensor& embeddings)> run;
  /// Asked before each run; where it says so, the prompt is left there.
  std::function<bool()> is_cancelled;
};

/// Feeds a prompt in chunks, so that embeddings and activations of one chunk only are in memory,
/// and keeps the states of a few rows.
///
/// @param wanted_rows ascending.
/// @return nullopt if it was cancelled. Throws InferenceFailed when a state asked for is not
/// finite.
std::optional<PrefillOutput> feed_in_chunks(const std::vector<std::int64_t>& wanted_rows,
                                            const PrefillFeed& feed);

/// Row of float32 [S, D], wherever it lies, as [D] in host memory of its own: the rest of the
/// states can be freed.
Tensor copied_row(const Tensor& states, std::int64_t row);

}  // namespace ufvideo
