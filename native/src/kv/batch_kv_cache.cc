#include "kv/batch_kv_cache.h"

#include <algorithm>
#include <utility>

#include "base/error_message.h"

namespace ufvideo {

BatchKvCache::BatchKvCache(std::shared_ptr<const KvCacheSizes> sizes, std::int64_t max_rows,
                           std::shared_ptr<MemoryBudget> budget)
    : buffers_(std::move(sizes), max_rows, std::move(budget)), max_rows_(max_rows) {}

void BatchKvCache::reserve(std::int64_t num_positions) {
  const std::int64_t max_positions = sizes()->max_positions;
  if (num_positions > max_positions) {
    fail(ErrorCode::kOutOfMemory, "KV cache: expected at most ", max_positions,
         " positions (the model's context), asked for ", num_positions);
  }
  try {
    buffers_.reserve(num_positions, lengths_);
  } catch (...) {
    if (buffers_.capacity() == 0) {
      lengths_.clear();
    }
    throw;
  }
}

void BatchKvCache::add_row(const KvCache& sequence) {
  if (num_rows() == max_rows_) {
    fail(ErrorCode::kInvalidState, "KV cache: expected a free row, all ", max_rows_, " are in use");
  }
  reserve(sequence.length());
  for (int layer = 0; layer < sizes()->num_layers; ++layer) {
    copy_positions(sequence.keys(layer), 0, buffers_.keys(layer), num_rows(), sequence.length());
    copy_positions(sequence.values(layer), 0, buffers_.values(layer), num_rows(),
                   sequence.length());
  }
  lengths_.push_back(sequence.length());
}

void BatchKvCache::reserve_one() {
  reserve(*std::max_element(lengths_.begin(), lengths_.end()) + 1);
}

void BatchKvCache::advance() {
  for (std::int64_t& length : lengths_) {
    ++length;
  }
}

void BatchKvCache::drop_row(std::int64_t row) {
  const std::int64_t last = num_rows() - 1;
  for (int layer = 0; row != last && layer < sizes()->num_layers; ++layer) {
    copy_positions(buffers_.keys(layer), last, buffers_.keys(layer), row, lengths_[last]);
    copy_positions(buffers_.values(layer), last, buffers_.values(layer), row, lengths_[last]);
  }
  lengths_.at(row) = lengths_[last];
  lengths_.pop_back();
}

std::int64_t rows_that_fit(const KvCache& cache, std::int64_t positions, std::int64_t max_rows,
                           std::size_t beside) {
  const KvCacheSizes& sizes = *cache.sizes();
  const std::optional<std::size_t> room = cache.lease().room(/*evicting=*/true);
  if (!room) {
    return max_rows;
  }
  const std::size_t row_bytes = sizes.in_blocks(positions) * sizes.position_bytes();
  // While the buffers grow, one of the 2 L tensors is held twice.
  const std::size_t num_tensors = 2 * static_cast<std::size_t>(sizes.num_layers);
  const std::size_t with_copy = row_bytes + row_bytes / num_tensors + 1;
  const std::size_t left = *room - std::min(*room, beside);
  return std::min<std::int64_t>(max_rows, static_cast<std::int64_t>(left / with_copy));
}

}  // namespace ufvideo
