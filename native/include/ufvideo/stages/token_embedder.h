#pragma once

#include <cstdint>
#include <vector>

#include "ufvideo/stages/stage.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// The embedding table.
///
/// graph: token_ids int64 [S] -> embeddings float32 [S, D]
class TokenEmbedder : public Stage {
 public:
  TokenEmbedder(const Package& package, const RuntimeConfig& config);

  /// Throws InvalidInput naming the first id outside the vocabulary.
  Tensor embed(const std::vector<std::int64_t>& token_ids) const;

 private:
  std::int64_t vocab_size_;
};

}  // namespace ufvideo
