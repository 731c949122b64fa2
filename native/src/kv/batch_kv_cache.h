#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kv/kv_cache.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// Keys and values of several sequences side by side, each with a length of its own, padded on the
/// right: one pair of buffers a layer, [B, kv, C, head]. The rows in use are always the first ones.
class BatchKvCache {
 public:
  /// Room for at most `max_rows` sequences within the budget.
  BatchKvCache(std::shared_ptr<const KvCacheSizes> sizes, std::int64_t max_rows,
               std::shared_ptr<MemoryBudget> budget);

  const std::shared_ptr<const KvCacheSizes>& sizes() const { return buffers_.sizes(); }
  std::int64_t num_rows() const { return static_cast<std::int64_t>(lengths_.size()); }
  /// Positions of each row.
  const std::vector<std::int64_t>& lengths() const { return lengths_; }

  /// Adds a row that holds what `sequence` holds. Throws InvalidState when all rows are in use,
  /// OutOfMemory as KvCache::reserve.
  void add_row(const KvCache& sequence);
  /// Makes room for one more position in each row. Throws OutOfMemory as KvCache::reserve.
  void reserve_one();
  /// Counts one position in each row that the graph has written.
  void advance();
  /// Frees a row; the last one takes its place.
  void drop_row(std::int64_t row);

  /// The rows in use, [num_rows, kv, C, head].
  Tensor keys(int layer) const { return buffers_.keys(layer).rows(0, num_rows()); }
  Tensor values(int layer) const { return buffers_.values(layer).rows(0, num_rows()); }

 private:
  void reserve(std::int64_t num_positions);

  KvBuffers buffers_;
  std::int64_t max_rows_;
  std::vector<std::int64_t> lengths_;
};

/// How many sequences of `positions` fit into the budget of a cache side by side, the copy that
/// growing needs included; at most `max_rows`, and 0 where not even one does.
///
/// @param beside bytes that something else will take meanwhile.
std::int64_t rows_that_fit(const KvCache& cache, std::int64_t positions, std::int64_t max_rows,
                           std::size_t beside);

}  // namespace ufvideo
