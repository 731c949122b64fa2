#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "ufvideo/stages/language_model.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// The keys and values of one sequence, for callers that run the language model without a session.
/// Each call throws InvalidState while another thread's run uses the cache.
class KvCacheHandle {
 public:
  explicit KvCacheHandle(const LanguageModel& model);
  ~KvCacheHandle();
  KvCacheHandle(const KvCacheHandle&) = delete;
  KvCacheHandle& operator=(const KvCacheHandle&) = delete;

  /// LanguageModel::run with this cache.
  LanguageModelOutput run(const LanguageModel& model, const Tensor& embeddings);

  /// Positions in the cache.
  std::int64_t length() const;
  /// Positions that its memory has room for.
  std::int64_t capacity() const;
  std::size_t bytes() const;
  /// Forgets all positions from `length` on. Throws InvalidState if there are fewer.
  void rewind(std::int64_t length);

 private:
  const std::unique_ptr<KvCache> cache_;
};

}  // namespace ufvideo
