#include "decode/kv_cache.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/error_message.h"

namespace ufvideo {
namespace {

constexpr std::int64_t kBlockPositions = 256;

/// The first `length` positions of `from` [1, kv, C, head] in a buffer of larger capacity.
Tensor grown(const Tensor& from, std::int64_t length, std::int64_t capacity) {
  const std::int64_t num_heads = from.dim(1);
  const std::size_t row_bytes = static_cast<std::size_t>(from.dim(3)) * dtype_bytes(from.dtype());
  Tensor to(from.dtype(), {1, num_heads, capacity, from.dim(3)});
  for (std::int64_t head = 0; head < num_heads && length > 0; ++head) {
    std::memcpy(static_cast<char*>(to.raw()) + head * capacity * row_bytes,
                static_cast<const char*>(from.raw()) + head * from.dim(2) * row_bytes,
                length * row_bytes);
  }
  return to;
}

}  // namespace

KvCache::KvCache(std::shared_ptr<const KvCacheSizes> sizes) : sizes_(std::move(sizes)) {
  const Tensor none(sizes_->dtype, {1, sizes_->num_key_value_heads, 0, sizes_->head_dim});
  keys_.assign(sizes_->num_layers, none);
  values_.assign(sizes_->num_layers, none);
}

KvCache::Use::Use(const KvCache& cache) : cache_(cache) {
  if (cache.in_use_.exchange(true)) {
    fail(ErrorCode::kInvalidState,
         "KV cache: expected one thread at a time, another one is at it; make a cache for each "
         "thread, the language model is shared");
  }
}

void KvCache::reserve(std::int64_t num_new) {
  const std::int64_t needed = length_ + num_new;
  const std::int64_t max_positions = sizes_->max_positions;
  if (needed > max_positions) {
    fail(ErrorCode::kOutOfMemory, "KV cache: expected at most ", max_positions,
         " positions (the model's context), asked for ", needed, ": ", length_, " held and ",
         num_new, " new");
  }
  if (needed <= capacity_) {
    return;
  }
  const std::int64_t larger = std::max(needed, capacity_ + capacity_ / 2);
  const std::int64_t blocks = (larger + kBlockPositions - 1) / kBlockPositions;
  const std::int64_t capacity = std::min(blocks * kBlockPositions, max_positions);
  std::vector<Tensor> keys;
  std::vector<Tensor> values;
  for (std::size_t layer = 0; layer < keys_.size(); ++layer) {
    keys.push_back(grown(keys_[layer], length_, capacity));
    values.push_back(grown(values_[layer], length_, capacity));
  }
  keys_ = std::move(keys);
  values_ = std::move(values);
  capacity_ = capacity;
}

void KvCache::advance(std::int64_t num_new) {
  if (num_new < 0 || length_ + num_new > capacity_) {
    fail(ErrorCode::kInvalidState, "KV cache: expected room for ", num_new, " positions, has ",
         capacity_ - length_);
  }
  length_ += num_new;
}

void KvCache::rewind(std::int64_t length) {
  if (length < 0 || length > length_) {
    fail(ErrorCode::kInvalidState, "KV cache: expected to rewind to 0 to ", length_, ", got ",
         length);
  }
  length_ = length;
}

std::size_t KvCache::bytes() const {
  std::size_t bytes = 0;
  for (std::size_t layer = 0; layer < keys_.size(); ++layer) {
    bytes += keys_[layer].bytes() + values_[layer].bytes();
  }
  return bytes;
}

}  // namespace ufvideo
