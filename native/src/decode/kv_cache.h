#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "ufvideo/tensor.h"

namespace ufvideo {

/// Sizes of the caches of one language model. The model shares one object of it with all its
/// caches, so that it knows them again.
struct KvCacheSizes {
  int num_layers;
  int num_key_value_heads;
  int head_dim;
  DType dtype;
  std::int64_t max_positions;
};

/// Keys and values of one sequence: one pair of buffers a layer, [1, kv, C, head], updated in place
/// by the graph and grown in blocks as the sequence grows, never reserved for the longest context.
class KvCache {
 public:
  explicit KvCache(std::shared_ptr<const KvCacheSizes> sizes);

  /// Holds the cache for one piece of work. Throws InvalidState when another thread has it: a run
  /// of the language model moves the memory that the cache grows out of.
  class Use {
   public:
    explicit Use(const KvCache& cache);
    ~Use() { cache_.in_use_ = false; }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    const KvCache& cache_;
  };

  /// The object it was made with; another model's is another, whatever its sizes.
  const std::shared_ptr<const KvCacheSizes>& sizes() const { return sizes_; }

  /// Positions held.
  std::int64_t length() const { return length_; }
  /// Positions the buffers have room for.
  std::int64_t capacity() const { return capacity_; }

  /// Makes room for `num_new` more positions. Throws OutOfMemory when that exceeds the context or
  /// memory runs out; the cache is unchanged then.
  void reserve(std::int64_t num_new);
  /// Counts `num_new` positions that the graph has written.
  void advance(std::int64_t num_new);
  /// Forgets all positions from `length` on. Throws InvalidState when it holds fewer.
  void rewind(std::int64_t length);

  const Tensor& keys(int layer) const { return keys_.at(layer); }
  const Tensor& values(int layer) const { return values_.at(layer); }
  std::size_t bytes() const;

 private:
  std::shared_ptr<const KvCacheSizes> sizes_;
  mutable std::atomic<bool> in_use_{false};
  std::int64_t length_ = 0;
  std::int64_t capacity_ = 0;
  std::vector<Tensor> keys_;
  std::vector<Tensor> values_;
};

}  // namespace ufvideo
