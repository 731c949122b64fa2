#include "mask_feature_cache.h"

namespace ufvideo {

const MaskFeatures* MaskFeatureCache::find(std::int64_t frame_idx) {
  const auto found = entries_.find(frame_idx);
  if (found == entries_.end()) {
    return nullptr;
  }
  recent_first_.splice(recent_first_.begin(), recent_first_, found->second);
  return &found->second->second;
}

void MaskFeatureCache::put(std::int64_t frame_idx, MaskFeatures features) {
  const std::size_t bytes = features.bytes();
  if (bytes > max_bytes_ || find(frame_idx) != nullptr) {
    return;
  }
  while (bytes_ + bytes > max_bytes_) {
    bytes_ -= recent_first_.back().second.bytes();
    entries_.erase(recent_first_.back().first);
    recent_first_.pop_back();
  }
  recent_first_.emplace_front(frame_idx, std::move(features));
  entries_[frame_idx] = recent_first_.begin();
  bytes_ += bytes;
}

void MaskFeatureCache::clear() {
  entries_.clear();
  recent_first_.clear();
  bytes_ = 0;
}

}  // namespace ufvideo
