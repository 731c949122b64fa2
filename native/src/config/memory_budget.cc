#include "config/memory_budget.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/error_message.h"

namespace ufvideo {
namespace {

std::size_t index_of(MemoryKind kind) { return static_cast<std::size_t>(kind); }

std::size_t difference(std::size_t a, std::size_t b) { return a - std::min(a, b); }

struct OwnLimit {
  /// Setting of RuntimeConfig.
  const char* name;
  std::optional<std::size_t> MemoryLimits::* bytes;
};

/// By MemoryKind. Features of open clips and memories of tracked objects are bound by
/// memory_budget_bytes alone.
constexpr std::array<OwnLimit, kNumMemoryKinds> kOwnLimits{{
    {"kv_cache_bytes", &MemoryLimits::kv_cache_bytes},
    {nullptr, nullptr},
    {"region_cache_bytes", &MemoryLimits::region_cache_bytes},
    {"mask_cache_bytes", &MemoryLimits::mask_cache_bytes},
    {"pixel_cache_bytes", &MemoryLimits::pixel_cache_bytes},
    {nullptr, nullptr},
}};

}  // namespace

MemoryLimits memory_limits(const RuntimeConfig& config) {
  return {config.memory_budget_bytes, config.kv_cache_bytes, config.region_cache_bytes,
          config.mask_cache_bytes, config.pixel_cache_bytes};
}

MemoryBudget::MemoryBudget(const MemoryLimits& limits, FreeMemory free_memory)
    : limits_(limits), free_memory_(std::move(free_memory)) {}

std::optional<std::size_t> MemoryBudget::limit_of(MemoryKind kind) const {
  const auto limit = kOwnLimits[index_of(kind)].bytes;
  return limit == nullptr ? std::nullopt : limits_.*limit;
}

std::size_t MemoryBudget::total() const {
  return std::accumulate(held_.begin(), held_.end(), std::size_t{0});
}

MemoryBudget::Room MemoryBudget::own_room(MemoryKind kind) const {
  const auto limit = limit_of(kind);
  const std::size_t held = held_[index_of(kind)];
  return limit ? Room{difference(*limit, held), Bound::kOwn, held} : Room{};
}

MemoryBudget::Room MemoryBudget::least_room(MemoryKind kind, bool is_new) const {
  Room least = own_room(kind);
  if (const auto& limit = limits_.memory_budget_bytes) {
    const std::size_t held = total();
    const std::size_t left = difference(*limit, held);
    if (!least.bytes || left < *least.bytes) {
      least = {left, Bound::kBudget, held};
    }
  }
  if (!least.bytes && is_new) {
    if (const std::optional<std::size_t> free = free_memory_()) {
      const std::size_t usable = *free - std::min(*free / kReservedDivisor, kMaxReservedBytes);
      least = {difference(usable, unsettled_), Bound::kFreeMemory, total()};
    }
  }
  return least;
}

std::optional<std::size_t> MemoryBudget::room(MemoryKind kind, bool is_new, bool evicting) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::optional<std::size_t> room = least_room(kind, is_new).bytes;
  if (room && evicting) {
    *room += held_[index_of(MemoryKind::kRegionFeatures)] +
             held_[index_of(MemoryKind::kMaskFeatures)] + held_[index_of(MemoryKind::kPixels)];
    if (const auto own = own_room(kind).bytes) {
      *room = std::min(*room, *own);
    }
  }
  return room;
}

bool MemoryBudget::can_ever_hold(MemoryKind kind, std::size_t bytes) const {
  return bytes <= limit_of(kind).value_or(bytes) &&
         bytes <= limits_.memory_budget_bytes.value_or(bytes);
}

MemoryUse MemoryBudget::use() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return {held_, total(), peak_, limits_.memory_budget_bytes, peak_held_};
}

void MemoryBudget::hold(MemoryKind kind, std::size_t bytes) {
  const std::size_t index = index_of(kind);
  held_[index] += bytes;
  peak_held_[index] = std::max(peak_held_[index], held_[index]);
}

bool MemoryBudget::try_take(MemoryKind kind, std::size_t bytes, bool is_new) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::optional<std::size_t> room = least_room(kind, is_new).bytes;
  if (room && bytes > *room) {
    return false;
  }
  hold(kind, bytes);
  unsettled_ += is_new ? bytes : 0;
  peak_ = std::max(peak_, total());
  return true;
}

void MemoryBudget::take(MemoryKind kind, std::size_t bytes, bool is_new,
                        const MemoryPurpose& purpose) {
  while (!try_take(kind, bytes, is_new)) {
    const Room room = room_to_name(kind, bytes, is_new);
    const std::size_t missing = difference(bytes, room.bytes.value_or(bytes));
    // Evicting other kinds makes no room under a kind's own bound. None missing: given back since.
    if (missing == 0 || (room.bound != Bound::kOwn && evict(missing))) {
      continue;
    }
    const auto [bound, advice] = described(room.bound, kind);
    fail(ErrorCode::kOutOfMemory, purpose.holder, ": expected at most ", room.bytes.value_or(0),
         " bytes more (", bound, "), asked for ", bytes, " ", purpose.reason, ", ", room.held,
         " bytes are held by all sessions of the model; ",
         room.held == 0 ? "" : "close or reset sessions that are not needed, ", advice, ", or ",
         purpose.advice);
  }
}

std::pair<std::string, std::string> MemoryBudget::described(Bound bound, MemoryKind kind) const {
  if (bound == Bound::kFreeMemory) {
    return {"the machine's free memory less a reserve", "leave the machine more free memory"};
  }
  const bool is_own = bound == Bound::kOwn;
  const char* name = is_own ? kOwnLimits[index_of(kind)].name : "memory_budget_bytes";
  const std::size_t limit = *(is_own ? limit_of(kind) : limits_.memory_budget_bytes);
  return {message(name, ": ", limit), message("raise ", name)};
}

MemoryBudget::Room MemoryBudget::room_to_name(MemoryKind kind, std::size_t bytes,
                                              bool is_new) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const Room own = own_room(kind);
  return own.bytes && bytes > *own.bytes ? own : least_room(kind, is_new);
}

bool MemoryBudget::evict(std::size_t bytes) const {
  if (!evict_ || evict_(bytes) == 0) {
    return false;
  }
  if (!limits_.memory_budget_bytes) {
    return_free_memory();  // Else the system does not count it as free.
  }
  return true;
}

void MemoryBudget::give_back(MemoryKind kind, std::size_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  held_[index_of(kind)] -= bytes;
}

bool MemoryBudget::try_move(MemoryKind from, MemoryKind to, std::size_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::optional<std::size_t> room = own_room(to).bytes;
  if (room && bytes > *room) {
    return false;
  }
  held_[index_of(from)] -= bytes;
  hold(to, bytes);
  return true;
}

void MemoryBudget::settle(std::size_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  unsettled_ -= bytes;
}

MemoryLease::MemoryLease(std::shared_ptr<MemoryBudget> budget, MemoryKind kind, bool is_new)
    : budget_(std::move(budget)), kind_(kind), is_new_(is_new) {}

MemoryLease::~MemoryLease() { shrink_to(0); }

MemoryLease::MemoryLease(MemoryLease&& other) noexcept
    // The one moved from stays a lease of the same budget, which may grow again.
    : budget_(other.budget_),  // NOLINT(performance-move-constructor-init)
      kind_(other.kind_),
      is_new_(other.is_new_),
      bytes_(std::exchange(other.bytes_, 0)),
      unsettled_(std::exchange(other.unsettled_, 0)) {}

MemoryLease& MemoryLease::operator=(MemoryLease&& other) noexcept {
  if (this != &other) {
    shrink_to(0);
    budget_ = other.budget_;
    kind_ = other.kind_;
    is_new_ = other.is_new_;
    bytes_ = std::exchange(other.bytes_, 0);
    unsettled_ = std::exchange(other.unsettled_, 0);
  }
  return *this;
}

bool MemoryLease::try_grow(std::size_t bytes) {
  if (!budget_->try_take(kind_, bytes, is_new_)) {
    return false;
  }
  took(bytes);
  return true;
}

void MemoryLease::grow(std::size_t bytes, const MemoryPurpose& purpose) {
  budget_->take(kind_, bytes, is_new_, purpose);
  took(bytes);
}

void MemoryLease::took(std::size_t bytes) {
  bytes_ += bytes;
  unsettled_ += is_new_ ? bytes : 0;
}

std::optional<std::size_t> MemoryLease::room(bool evicting) const {
  return budget_->room(kind_, is_new_, evicting);
}

void MemoryLease::shrink_to(std::size_t bytes) {
  if (!budget_) {
    return;
  }
  if (unsettled_ != 0) {
    budget_->settle(std::exchange(unsettled_, 0));
  }
  if (bytes < bytes_) {
    budget_->give_back(kind_, bytes_ - bytes);
    bytes_ = bytes;
  }
}

bool MemoryLease::try_become(MemoryKind kind) {
  if (kind != kind_ && !budget_->try_move(kind_, kind, bytes_)) {
    return false;
  }
  kind_ = kind;
  return true;
}

}  // namespace ufvideo
