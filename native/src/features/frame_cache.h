#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>

namespace ufvideo {

/// Features by frame index within a bound of bytes.
///
/// Scans (one segmentation, one question) decide what is forgotten: never what the scan under way
/// has found or put; before that the oldest scan's, and of one scan the last frame first. A second
/// scan over more frames than fit then finds as many as fit; forgetting the least recently used
/// frame would drop each one just before it is asked for again.
template <typename Features>
class FrameCache {
 public:
  explicit FrameCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  void begin_scan() { ++scan_; }
  bool holds(std::int64_t frame_idx) const { return entries_.count(frame_idx) != 0; }
  /// The features of a frame, or nothing. Valid until the next put().
  const Features* find(std::int64_t frame_idx) {
    const auto found = entries_.find(frame_idx);
    if (found == entries_.end()) {
      return nullptr;
    }
    Entry& entry = found->second;
    first_to_go_.erase(entry.rank);
    entry.rank = next_rank();
    first_to_go_.emplace(entry.rank, frame_idx);
    return &entry.features;
  }
  /// Keeps features of their own memory, unless the scan under way already fills the bound.
  void put(std::int64_t frame_idx, Features features) {
    const std::size_t bytes = features.bytes();
    if (bytes > max_bytes_ || holds(frame_idx)) {
      return;
    }
    while (bytes_ + bytes > max_bytes_) {
      const auto victim = first_to_go_.begin();
      if (victim->first.first == scan_) {
        return;
      }
      const auto entry = entries_.find(victim->second);
      bytes_ -= entry->second.features.bytes();
      entries_.erase(entry);
      first_to_go_.erase(victim);
    }
    const Rank rank = next_rank();
    first_to_go_.emplace(rank, frame_idx);
    entries_.emplace(frame_idx, Entry{rank, std::move(features)});
    bytes_ += bytes;
  }
  void clear() {
    first_to_go_.clear();
    entries_.clear();
    bytes_ = 0;
  }
  std::size_t bytes() const { return bytes_; }

 private:
  /// The scan of the last use, and a number that falls with every use.
  using Rank = std::pair<std::uint64_t, std::int64_t>;
  struct Entry {
    Rank rank;
    Features features;
  };

  Rank next_rank() { return {scan_, --uses_}; }

  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::uint64_t scan_ = 0;
  std::int64_t uses_ = 0;
  std::map<Rank, std::int64_t> first_to_go_;
  std::unordered_map<std::int64_t, Entry> entries_;
};

}  // namespace ufvideo
