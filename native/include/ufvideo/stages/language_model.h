#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ufvideo/stages/stage.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

class BatchKvCache;
class KvCache;
class MemoryBudget;
struct DecodeBuffers;
struct KvCacheSizes;

/// What one run of the language model gives.
struct LanguageModelOutput {
  /// Logits of the last position, float32 [V].
  Tensor logits;
  /// States of all new positions after the final norm, float32 [S, D]; on a device where the model
  /// runs on one.
  Tensor hidden_states;
};

/// What one run of several sequences gives.
struct LanguageModelRows {
  /// Logits of each row's new position, float32 [B, V].
  Tensor logits;
  /// Its state after the final norm, float32 [B, D]; on a device where the model runs on one.
  Tensor hidden_states;
};

/// The decoder. Keys and values stay in a KvCache that the graph updates in place.
///
/// graph: inputs_embeds float32 [B, S, D], seqlens_k int32 [B], total_sequence_length int32 [],
///        past_key_values.{i}.key/.value [B, kv, C, head]
///     -> logits float32 [B, 1, V], hidden_states float32 [B, S, D], present.{i}.key/.value
class LanguageModel : public Stage {
 public:
  /// @param budget what its caches take their memory of; null: one of their own, bounded by
  ///     RuntimeConfig::kv_cache_bytes.
  LanguageModel(const Package& package, const RuntimeConfig& config,
                std::shared_ptr<MemoryBudget> budget = nullptr);

  /// A new, empty cache for one sequence.
  std::unique_ptr<KvCache> make_cache() const;
  /// Runs S new positions after those the cache holds and advances it. Where a logit is not finite
  /// that is InferenceFailed, and the cache is as before.
  ///
  /// @param embeddings float32 [S, D].
  /// @param cache made by this model, else InvalidInput; in no other thread's run, else
  ///     InvalidState.
  LanguageModelOutput run(const Tensor& embeddings, KvCache& cache) const;

  /// A new, empty cache for at most `max_rows` sequences.
  std::unique_ptr<BatchKvCache> make_batch_cache(std::int64_t max_rows) const;
  /// Runs one new position of each sequence of a batch and advances it; as run() where a logit of
  /// one is not finite.
  ///
  /// @param embeddings float32 [B, D], one row for each of the cache's, else InvalidInput.
  /// @param cache made by this model, else InvalidInput.
  LanguageModelRows run_rows(const Tensor& embeddings, BatchKvCache& cache) const;

  int max_positions() const { return max_positions_; }

 private:
  /// A cache as the graph's inputs and outputs.
  struct Bound {
    std::vector<std::pair<std::string, Tensor>> past;
    std::vector<std::pair<std::string, Tensor>> present;
  };
  /// The cache behind the other inputs: a failed run names the first ones.
  template <typename Cache>
  Bound bound_cache(const Cache& cache, std::vector<std::pair<std::string, Tensor>> inputs) const;
  /// Runs one position [1, 1, D] as a CUDA graph; logits and hidden state as run_graph gives them.
  std::vector<Tensor> run_captured(const Tensor& embedding, KvCache& cache) const;
  /// Whether the next step of a cache can be a CUDA graph; its buffers are there then.
  bool may_capture(const Tensor& embedding, KvCache& cache) const;
  DecodeBuffers make_decode_buffers(int capture_id, const Tensor& embedding,
                                    const KvCache& cache) const;
  /// Runs [B, S, D] with a cache of these lengths before it.
  template <typename Cache>
  std::vector<Tensor> run_graph(const Tensor& embeddings, const std::vector<std::int64_t>& lengths,
                                const Cache& cache) const;
  void check_cache(const std::shared_ptr<const KvCacheSizes>& sizes) const;

  std::int64_t vocab_size_;
  int max_positions_;
  std::shared_ptr<MemoryBudget> budget_;
  std::shared_ptr<const KvCacheSizes> cache_sizes_;
  /// Names of the cache's inputs and outputs, keys and values in turn.
  std::vector<std::string> past_names_;
  std::vector<std::string> present_names_;
};

}  // namespace ufvideo
