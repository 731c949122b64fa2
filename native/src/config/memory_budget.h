#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "config/free_memory.h"
#include "ufvideo/config.h"
#include "ufvideo/memory_use.h"

namespace ufvideo {

/// If the machine's free memory is the bound, 1/kReservedDivisor of it, at most kMaxReservedBytes,
/// stays unused for other allocations such as activations.
inline constexpr std::size_t kReservedDivisor = 8;
inline constexpr std::size_t kMaxReservedBytes = std::size_t{256} << 20;

/// Bounds on the memory of all sessions of a model, in bytes; unset: none. The names are those of
/// RuntimeConfig.
struct MemoryLimits {
  std::optional<std::size_t> memory_budget_bytes{};
  std::optional<std::size_t> kv_cache_bytes{};
  std::optional<std::size_t> region_cache_bytes{};
  std::optional<std::size_t> mask_cache_bytes{};
  std::optional<std::size_t> pixel_cache_bytes{};
};

/// The bounds that a configuration sets.
MemoryLimits memory_limits(const RuntimeConfig& config);

/// Why memory is requested. Part of the OutOfMemory message.
struct MemoryPurpose {
  /// Who asks: "KV cache".
  const char* holder;
  /// "to grow to 512 positions".
  std::string reason;
  /// What needs less of it: "ask something shorter".
  const char* advice;
};

/// Counts the bytes that all sessions of a model hold, and refuses what would pass a bound. Used by
/// any number of threads: a bound is compared and the bytes are counted in one step, so that
/// callers that grow at once stay within it together. A MemoryLease takes bytes and gives them
/// back.
class MemoryBudget {
 public:
  using FreeMemory = std::function<std::optional<std::size_t>()>;
  /// Evicts unused cache entries until at least `bytes` bytes are free or none is left. Returns the
  /// bytes freed.
  using Evict = std::function<std::size_t(std::size_t bytes)>;

  explicit MemoryBudget(
      const MemoryLimits& limits, FreeMemory free_memory = [] { return free_memory_bytes(); });

  /// What is called when needed memory finds no room, without a lock; before any thread takes.
  void set_evict(Evict evict) { evict_ = std::move(evict); }

  /// Whether so many bytes of a kind could be taken if nothing else were held.
  bool can_ever_hold(MemoryKind kind, std::size_t bytes) const;
  MemoryUse use() const;

 private:
  friend class MemoryLease;

  /// The kind's own, memory_budget_bytes, or what the machine has free.
  enum class Bound { kOwn, kBudget, kFreeMemory };
  /// The tightest bound, and the bytes still available under it.
  struct Room {
    /// Unset: there is no bound.
    std::optional<std::size_t> bytes;
    Bound bound = Bound::kOwn;
    /// Bytes that count against the bound.
    std::size_t held = 0;
  };

  bool try_take(MemoryKind kind, std::size_t bytes, bool is_new);
  /// Evicts until there is room. Throws OutOfMemory.
  void take(MemoryKind kind, std::size_t bytes, bool is_new, const MemoryPurpose& purpose);
  bool evict(std::size_t bytes) const;
  void give_back(MemoryKind kind, std::size_t bytes);
  bool try_move(MemoryKind from, MemoryKind to, std::size_t bytes);
  /// New bytes have been allocated: what the system says is free counts them from now on.
  void settle(std::size_t bytes);

  std::optional<std::size_t> room(MemoryKind kind, bool is_new, bool evicting) const;
  /// What an error names: the kind's own bound if that is passed, else the one that leaves least.
  Room room_to_name(MemoryKind kind, std::size_t bytes, bool is_new) const;
  Room least_room(MemoryKind kind, bool is_new) const;
  /// Under the kind's own bound alone.
  Room own_room(MemoryKind kind) const;
  /// A bound and what to do about it: "kv_cache_bytes: 400", "raise kv_cache_bytes".
  std::pair<std::string, std::string> described(Bound bound, MemoryKind kind) const;
  std::optional<std::size_t> limit_of(MemoryKind kind) const;
  std::size_t total() const;
  /// Counts bytes of a kind. The mutex is held.
  void hold(MemoryKind kind, std::size_t bytes);

  const MemoryLimits limits_;
  const FreeMemory free_memory_;
  Evict evict_;
  mutable std::mutex mutex_;
  std::array<std::size_t, kNumMemoryKinds> held_{};
  std::size_t peak_ = 0;
  std::array<std::size_t, kNumMemoryKinds> peak_held_{};
  /// Taken of the machine's free memory, and not allocated yet.
  std::size_t unsettled_ = 0;
};

/// Bytes that one holder has taken of a budget; given back when it ends. One thread at a time.
class MemoryLease {
 public:
  /// Holds nothing and can take nothing.
  MemoryLease() = default;
  /// @param is_new whether the memory is allocated after it was taken, in host memory: without a
  ///     number for it the bound is what the machine has free.
  MemoryLease(std::shared_ptr<MemoryBudget> budget, MemoryKind kind, bool is_new = false);
  ~MemoryLease();
  MemoryLease(MemoryLease&& other) noexcept;
  MemoryLease& operator=(MemoryLease&& other) noexcept;
  MemoryLease(const MemoryLease&) = delete;
  MemoryLease& operator=(const MemoryLease&) = delete;

  std::size_t bytes() const { return bytes_; }

  /// Takes more bytes if there is room for them as it is.
  bool try_grow(std::size_t bytes);
  /// Takes more bytes; caches are evicted if there is no room. Throws OutOfMemory, and nothing has
  /// been taken.
  void grow(std::size_t bytes, const MemoryPurpose& purpose);
  /// Bytes that may still be taken, if `evicting` after all caches have been evicted; nullopt if
  /// there is no bound.
  std::optional<std::size_t> room(bool evicting = false) const;
  /// Gives back all but `bytes`. What is left is allocated.
  void shrink_to(std::size_t bytes);
  /// Counts the bytes as another kind, if that kind's own bound allows it.
  bool try_become(MemoryKind kind);

 private:
  void took(std::size_t bytes);

  std::shared_ptr<MemoryBudget> budget_;
  MemoryKind kind_ = MemoryKind::kKvCache;
  bool is_new_ = false;
  std::size_t bytes_ = 0;
  std::size_t unsettled_ = 0;
};

}  // namespace ufvideo
