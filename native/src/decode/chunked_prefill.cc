#include "decode/chunked_prefill.h"

#include <algorithm>
#include <utility>

#include "tensor/device_memory.h"
#include "tensor/finite.h"

namespace ufvideo {

std::optional<PrefillOutput> feed_in_chunks(const std::vector<std::int64_t>& wanted_rows,
                                            const PrefillFeed& feed) {
  PrefillOutput output;
  auto wanted = wanted_rows.begin();
  for (std::int64_t begin = 0; begin < feed.num_positions; begin += feed.chunk_length) {
    if (feed.is_cancelled()) {
      return std::nullopt;
    }
    const std::int64_t end = std::min(begin + feed.chunk_length, feed.num_positions);
    ChunkOutput piece = feed.run(feed.embed(begin, end));
    for (; wanted != wanted_rows.end() && *wanted < end; ++wanted) {
      output.states.push_back(copied_row(piece.hidden_states, *wanted - begin));
      require_finite(output.states.back(), "language_model: hidden_states");
    }
    output.logits = std::move(piece.logits);
  }
  return output;
}

Tensor copied_row(const Tensor& states, std::int64_t row) {
  Tensor copy(DType::kFloat32, {states.dim(1)});
  copy_content(states.rows(row, row + 1), copy);
  return copy;
}

}  // namespace ufvideo
