#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "config/memory_budget.h"

namespace ufvideo {

/// A frame of one of the sources that share a cache.
struct FrameKey {
  std::uint64_t source;
  std::int64_t frame_idx;

  bool operator<(const FrameKey& other) const {
    return std::tie(source, frame_idx) < std::tie(other.source, other.frame_idx);
  }
};

/// What was computed of frames, kept within a bound for all sessions of a model. Any thread.
///
/// Scans (one segmentation, one question) decide what is evicted: an entry is evicted only for a
/// later scan, the oldest scan's entries first, and of one scan the last frame first. A second scan
/// over more frames than fit then finds as many as fit; evicting the least recently used frame
/// would drop each one just before it is asked for again.
///
/// An entry that a caller still references is never evicted. Frames of open clips are pinned: they
/// are not evicted either, and count as `pinned` memory.
template <typename Features>
class FrameCache {
 public:
  using Shared = std::shared_ptr<const Features>;

  /// @param kept kind of memory of entries, whose bound is the cache's.
  /// @param pinned kind of memory of pinned ones.
  FrameCache(std::shared_ptr<MemoryBudget> budget, MemoryKind kept, MemoryKind pinned)
      : budget_(std::move(budget)), kept_(kept), pinned_(pinned) {}

  bool holds(const FrameKey& key) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return entries_.count(key) != 0;
  }
  /// The features of a frame, null if there are none.
  Shared find(const FrameKey& key, std::uint64_t scan) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : used(found, scan);
  }
  /// Keeps features of their own memory, unless entries of this or a later scan fill the bound.
  Shared put(const FrameKey& key, Features features, std::uint64_t scan) {
    const std::size_t bytes = features.bytes();
    auto held = std::make_shared<Held>(Held{std::move(features), MemoryLease(budget_, kept_)});
    const Shared shared(held, &held->features);
    if (!budget_->can_ever_hold(kept_, bytes)) {
      return shared;
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    if (entries_.count(key) != 0) {
      return shared;
    }
    while (!held->lease.try_grow(bytes)) {
      if (evict_one(scan) == 0) {
        return shared;
      }
    }
    insert(key, std::move(held), scan);
    return shared;
  }

  /// Pins a frame until unpin(), as often as it was pinned; null if there are no features of it.
  Shared pin(const FrameKey& key) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : pinned(found);
  }
  /// Pins a frame with its features. Throws OutOfMemory, and nothing has changed.
  Shared pin(const FrameKey& key, Features features) {
    const std::size_t bytes = features.bytes();
    auto held = std::make_shared<Held>(Held{std::move(features), MemoryLease(budget_, pinned_)});
    // Not under the lock: it may evict from this cache.
    held->lease.grow(bytes, {"clip", "for the features of a frame", "open a shorter clip"});
    const std::lock_guard<std::mutex> lock(mutex_);
    auto found = entries_.find(key);
    if (found == entries_.end()) {
      found = insert(key, std::move(held), 0);
    }
    return pinned(found);
  }
  /// Once no one else has pinned it, the frame is kept as others are, or dropped.
  ///
  /// @param features what pin() returned: since then the entry may have been erased and another one
  ///     pinned under the same key, whose pins are not this caller's.
  void unpin(const FrameKey& key, const Shared& features, std::uint64_t scan) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end() || &found->second.held->features != features.get()) {
      return;
    }
    if (--found->second.num_pins != 0) {
      return;
    }
    while (!found->second.held->lease.try_become(kept_)) {
      if (evict_one(scan) == 0) {
        erase(found);
        return;
      }
    }
    found->second.rank = next_rank(scan);
    first_to_go_.emplace(found->second.rank, key);
  }

  /// Drops the frames of a source, if `pinned_too` also the pinned ones.
  void erase_source(std::uint64_t source, bool pinned_too) {
    const std::lock_guard<std::mutex> lock(mutex_);
    auto at = entries_.lower_bound({source, std::numeric_limits<std::int64_t>::min()});
    while (at != entries_.end() && at->first.source == source) {
      const auto here = at++;
      if (pinned_too || here->second.num_pins == 0) {
        erase(here);
      }
    }
  }
  /// Drops the frames of a source before one, but pinned ones.
  void erase_before(const FrameKey& key) {
    const std::lock_guard<std::mutex> lock(mutex_);
    auto at = entries_.lower_bound({key.source, std::numeric_limits<std::int64_t>::min()});
    while (at != entries_.end() && at->first < key) {
      const auto here = at++;
      if (here->second.num_pins == 0) {
        erase(here);
      }
    }
  }
  /// Drops frames that nobody holds until so many bytes are free; returns how many there are.
  std::size_t evict(std::size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::size_t freed = 0;
    while (freed < bytes) {
      const std::size_t one = evict_one(std::numeric_limits<std::uint64_t>::max());
      if (one == 0) {
        break;
      }
      freed += one;
    }
    return freed;
  }
  /// Bytes of a source, pinned ones included.
  std::size_t bytes(std::uint64_t source) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = bytes_of_.find(source);
    return found == bytes_of_.end() ? 0 : found->second;
  }

 private:
  struct Held {
    Features features;
    MemoryLease lease;
  };
  /// The scan of the last use, and a number that falls with every use.
  using Rank = std::pair<std::uint64_t, std::int64_t>;
  struct Entry {
    Rank rank;
    std::shared_ptr<Held> held;
    int num_pins = 0;
  };
  using Entries = std::map<FrameKey, Entry>;
  using Place = typename Entries::iterator;

  Rank next_rank(std::uint64_t scan) { return {scan, --uses_}; }

  Shared used(Place entry, std::uint64_t scan) {
    if (entry->second.num_pins == 0) {
      first_to_go_.erase(entry->second.rank);
      entry->second.rank = next_rank(scan);
      first_to_go_.emplace(entry->second.rank, entry->first);
    }
    return Shared(entry->second.held, &entry->second.held->features);
  }
  Shared pinned(Place entry) {
    if (entry->second.num_pins++ == 0) {
      first_to_go_.erase(entry->second.rank);
      entry->second.held->lease.try_become(pinned_);
    }
    return Shared(entry->second.held, &entry->second.held->features);
  }
  Place insert(const FrameKey& key, std::shared_ptr<Held> held, std::uint64_t scan) {
    bytes_of_[key.source] += held->features.bytes();
    const Rank rank = next_rank(scan);
    first_to_go_.emplace(rank, key);
    return entries_.emplace(key, Entry{rank, std::move(held)}).first;
  }
  void erase(Place entry) {
    const auto of_source = bytes_of_.find(entry->first.source);
    of_source->second -= entry->second.held->features.bytes();
    if (of_source->second == 0) {
      bytes_of_.erase(of_source);
    }
    if (entry->second.num_pins == 0) {
      first_to_go_.erase(entry->second.rank);
    }
    entries_.erase(entry);
  }
  /// Drops the first entry to go that nobody holds, of a scan before this one; returns its bytes.
  std::size_t evict_one(std::uint64_t scan) {
    for (const auto& [rank, key] : first_to_go_) {
      if (rank.first >= scan) {
        return 0;
      }
      const auto entry = entries_.find(key);
      if (entry->second.held.use_count() == 1) {
        const std::size_t bytes = entry->second.held->features.bytes();
        erase(entry);
        return bytes;
      }
    }
    return 0;
  }

  const std::shared_ptr<MemoryBudget> budget_;
  const MemoryKind kept_;
  const MemoryKind pinned_;
  mutable std::mutex mutex_;
  std::int64_t uses_ = 0;
  Entries entries_;
  /// Entries that are not pinned.
  std::map<Rank, FrameKey> first_to_go_;
  std::unordered_map<std::uint64_t, std::size_t> bytes_of_;
};

}  // namespace ufvideo
