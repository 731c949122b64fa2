#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <utility>

#include "ufvideo/stages/mask_encoder.h"

namespace ufvideo {

/// SAM 2 features by frame index, the least recently used forgotten first, within a bound.
class MaskFeatureCache {
 public:
  explicit MaskFeatureCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  /// The features of a frame, or nothing. Valid until the next put().
  const MaskFeatures* find(std::int64_t frame_idx);
  /// Keeps features of their own memory; larger ones than the bound are not kept.
  void put(std::int64_t frame_idx, MaskFeatures features);
  void clear();
  std::size_t bytes() const { return bytes_; }

 private:
  using Entry = std::pair<std::int64_t, MaskFeatures>;

  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::list<Entry> recent_first_;
  std::unordered_map<std::int64_t, std::list<Entry>::iterator> entries_;
};

}  // namespace ufvideo
