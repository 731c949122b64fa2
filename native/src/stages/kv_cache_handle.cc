#include "ufvideo/kv_cache_handle.h"

#include "kv/kv_cache.h"

namespace ufvideo {

KvCacheHandle::KvCacheHandle(const LanguageModel& model) : cache_(model.make_cache()) {}

KvCacheHandle::~KvCacheHandle() = default;

LanguageModelOutput KvCacheHandle::run(const LanguageModel& model, const Tensor& embeddings) {
  return model.run(embeddings, *cache_);
}

std::int64_t KvCacheHandle::length() const {
  const KvCache::Use use(*cache_);
  return cache_->length();
}

std::int64_t KvCacheHandle::capacity() const {
  const KvCache::Use use(*cache_);
  return cache_->capacity();
}

std::size_t KvCacheHandle::bytes() const {
  const KvCache::Use use(*cache_);
  return cache_->bytes();
}

void KvCacheHandle::rewind(std::int64_t length) {
  const KvCache::Use use(*cache_);
  cache_->rewind(length);
}

}  // namespace ufvideo
