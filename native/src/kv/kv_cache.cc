#include "kv/kv_cache.h"

#include <algorithm>
#include <utility>

#include "base/error_message.h"

namespace ufvideo {

KvCache::KvCache(std::shared_ptr<const KvCacheSizes> sizes, std::shared_ptr<MemoryBudget> budget)
    : buffers_(std::move(sizes), 1, std::move(budget)) {}

KvCache::Use::Use(const KvCache& cache) : cache_(cache) {
  if (cache.in_use_.exchange(true)) {
    fail(ErrorCode::kInvalidState,
         "KV cache: expected one thread at a time, another one is at it; make a cache for each "
         "thread, the language model is shared");
  }
}

void KvCache::reserve(std::int64_t num_new) {
  const std::int64_t max_positions = sizes()->max_positions;
  if (length_ + num_new > max_positions) {
    fail(ErrorCode::kOutOfMemory, "KV cache: expected at most ", max_positions,
         " positions (the model's context), asked for ", length_ + num_new, ": ", length_,
         " held and ", num_new, " new");
  }
  reserve_total(length_ + num_new);
}

void KvCache::reserve_total(std::int64_t num_positions) {
  try {
    buffers_.reserve(num_positions, {length_});
  } catch (...) {
    length_ = std::min(length_, buffers_.capacity());
    throw;
  }
}

void KvCache::drop_behind() {
  try {
    buffers_.drop_behind({length_});
  } catch (...) {
    length_ = 0;
    throw;
  }
}

void KvCache::advance(std::int64_t num_new) {
  if (num_new < 0 || length_ + num_new > capacity()) {
    fail(ErrorCode::kInvalidState, "KV cache: expected room for ", num_new, " positions, has ",
         capacity() - length_);
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

}  // namespace ufvideo
