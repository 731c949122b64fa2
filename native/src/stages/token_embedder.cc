#include "ufvideo/stages/token_embedder.h"

#include <algorithm>

#include "base/error_message.h"
#include "ort/graph.h"

namespace ufvideo {

// Looking up rows gains nothing from threads, and idle ones would spin beside the language model.
TokenEmbedder::TokenEmbedder(const Package& package, const RuntimeConfig& config)
    : Stage(package, "token_embedder", single_threaded(config)),
      vocab_size_(package.manifest().model.vocab_size) {}

Tensor TokenEmbedder::embed(const std::vector<std::int64_t>& token_ids) const {
  for (std::size_t i = 0; i < token_ids.size(); ++i) {
    if (token_ids[i] < 0 || token_ids[i] >= vocab_size_) {
      fail(ErrorCode::kInvalidInput, "token_embedder: token_ids[", i, "]: expected 0 to ",
           vocab_size_ - 1, ", got ", token_ids[i]);
    }
  }
  Tensor ids(DType::kInt64, {static_cast<std::int64_t>(token_ids.size())});
  std::copy(token_ids.begin(), token_ids.end(), ids.data<std::int64_t>());
  return graph().run({{"token_ids", ids}}, {"embeddings"}, {}, {{"embeddings"}}).front();
}

}  // namespace ufvideo
