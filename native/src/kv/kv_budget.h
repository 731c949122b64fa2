#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "config/free_memory.h"

namespace ufvideo {

/// Of the machine's free memory, where that is the bound, this share is left to everything else,
/// the activations of a run above all; at most so many bytes.
inline constexpr std::size_t kReservedShare = 8;
inline constexpr std::size_t kMaxReservedBytes = std::size_t{256} << 20;

/// What the KV caches of one session may take together: a number, or what the machine has free
/// when a cache grows. One thread at a time.
class KvBudget {
 public:
  using FreeMemory = std::function<std::optional<std::size_t>()>;

  /// @param max_bytes RuntimeConfig::kv_cache_bytes.
  explicit KvBudget(
      std::optional<std::size_t> max_bytes,
      FreeMemory free_memory = [] { return free_memory_bytes(); });

  /// Bytes that may still be taken; nothing where there is no bound to be found.
  std::optional<std::size_t> room() const;
  /// Throws OutOfMemory unless `bytes` more may be taken; `positions` is what they are for.
  void require(std::size_t bytes, std::int64_t positions) const;

  void take(std::size_t bytes) { held_ += bytes; }
  void give_back(std::size_t bytes) { held_ -= bytes; }
  std::size_t held() const { return held_; }

 private:
  std::optional<std::size_t> max_bytes_;
  FreeMemory free_memory_;
  std::size_t held_ = 0;
};

}  // namespace ufvideo
