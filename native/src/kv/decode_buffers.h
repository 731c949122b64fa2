#pragma once

#include <cstdint>

#include "ufvideo/tensor.h"

namespace ufvideo {

/// Where a step of one token reads and writes when it is a CUDA graph, which remembers addresses:
/// good for one cache until its buffers move.
struct DecodeBuffers {
  /// RunHow::capture_id.
  int capture_id;
  /// KvCache::num_moves when they were made.
  std::int64_t num_moves;
  /// float32 [1, 1, D].
  Tensor embedding;
  /// int32 [1].
  Tensor last_position;
  /// float32 [1, 1, V].
  Tensor logits;
  /// float32 [1, 1, D].
  Tensor hidden_state;
};

}  // namespace ufvideo
