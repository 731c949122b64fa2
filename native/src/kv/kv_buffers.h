#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "config/memory_budget.h"
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
  /// Where the caches lie; null: in host memory.
  DevicePtr device = nullptr;

  /// Bytes of one position: keys and values of all layers.
  std::size_t position_bytes() const;
  /// Positions that buffers take for `needed` of them: whole blocks, at most the context.
  std::int64_t in_blocks(std::int64_t needed) const;
};

/// The memory of caches: keys and values of every layer, [B, kv, C, head] each, grown within a
/// budget.
class KvBuffers {
 public:
  KvBuffers(std::shared_ptr<const KvCacheSizes> sizes, std::int64_t num_rows,
            std::shared_ptr<MemoryBudget> budget);
  KvBuffers(const KvBuffers&) = delete;
  KvBuffers& operator=(const KvBuffers&) = delete;

  const std::shared_ptr<const KvCacheSizes>& sizes() const { return sizes_; }
  /// What they have taken of the budget, and may still take.
  const MemoryLease& lease() const { return lease_; }

  /// How often they have moved: their addresses are the same as long as this number is.
  std::int64_t num_moves() const { return num_moves_; }
  /// Positions C that each row has room for.
  std::int64_t capacity() const { return capacity_; }
  std::size_t bytes() const;

  /// Makes room for `needed` positions in each row, a little ahead where the budget allows it; the
  /// first `lengths[b]` positions of row b stay. One layer at a time, so that only one is held
  /// twice. Throws OutOfMemory: nothing has changed when the budget or the context is exceeded;
  /// the buffers are empty (capacity 0) when the system refuses the memory all the same.
  void reserve(std::int64_t needed, const std::vector<std::int64_t>& lengths);

  /// On a device: new buffers with the first `lengths[b]` positions of row b and zeros behind them,
  /// for what was written there is no number. In host memory nobody reads it. Throws OutOfMemory;
  /// the buffers are empty then.
  void drop_behind(const std::vector<std::int64_t>& lengths);

  const Tensor& keys(int layer) const { return keys_.at(layer); }
  const Tensor& values(int layer) const { return values_.at(layer); }

 private:
  /// Most bytes above those held now while growing to `capacity`.
  std::size_t growth_bytes(std::int64_t capacity) const;
  void clear();
  /// Moves all of it to buffers of a capacity, a layer at a time. Where that fails they are empty.
  void move_to(std::int64_t capacity, const std::vector<std::int64_t>& lengths);

  std::shared_ptr<const KvCacheSizes> sizes_;
  std::int64_t num_rows_;
  MemoryLease lease_;
  std::int64_t capacity_ = 0;
  std::int64_t num_moves_ = 0;
  std::vector<Tensor> keys_;
  std::vector<Tensor> values_;
};

/// Copies the first `length` positions of row `from_row` of `from` [B, kv, C, head] to row
/// `to_row` of `to`, whose capacity may differ, wherever either lies.
void copy_positions(const Tensor& from, std::int64_t from_row, const Tensor& to,
                    std::int64_t to_row, std::int64_t length);

}  // namespace ufvideo
