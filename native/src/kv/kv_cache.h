#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "kv/decode_buffers.h"
#include "kv/kv_buffers.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// Keys and values of one sequence: one pair of buffers a layer, [1, kv, C, head], updated in place
/// by the graph and grown in blocks as the sequence grows, never reserved for the longest context.
class KvCache {
 public:
  KvCache(std::shared_ptr<const KvCacheSizes> sizes, std::shared_ptr<MemoryBudget> budget);

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
  const std::shared_ptr<const KvCacheSizes>& sizes() const { return buffers_.sizes(); }
  /// As KvBuffers::lease.
  const MemoryLease& lease() const { return buffers_.lease(); }

  /// Positions held.
  std::int64_t length() const { return length_; }
  /// Positions the buffers have room for.
  std::int64_t capacity() const { return buffers_.capacity(); }

  /// Makes room for `num_new` more positions. Throws OutOfMemory when that exceeds the context or
  /// the budget; the cache is unchanged then. Where the system refuses memory that the budget
  /// allowed, the cache is empty.
  void reserve(std::int64_t num_new);
  /// The same for `num_positions` in all, those held now included or not.
  void reserve_total(std::int64_t num_positions);
  /// Counts `num_new` positions that the graph has written.
  void advance(std::int64_t num_new);
  /// Forgets what the graph has written behind the positions held, since it is no number.
  void drop_behind();
  /// Forgets all positions from `length` on. Throws InvalidState when it holds fewer.
  void rewind(std::int64_t length);

  const Tensor& keys(int layer) const { return buffers_.keys(layer); }
  const Tensor& values(int layer) const { return buffers_.values(layer); }
  std::size_t bytes() const { return buffers_.bytes(); }
  /// As KvBuffers::num_moves.
  std::int64_t num_moves() const { return buffers_.num_moves(); }

  /// What the language model keeps with this cache.
  std::optional<DecodeBuffers>& decode_buffers() { return decode_buffers_; }

 private:
  KvBuffers buffers_;
  mutable std::atomic<bool> in_use_{false};
  std::int64_t length_ = 0;
  std::optional<DecodeBuffers> decode_buffers_;
};

}  // namespace ufvideo
