#include "ufvideo/feature_store.h"

#include <utility>

#include "features/frame_caches.h"
#include "ufvideo/model.h"

namespace ufvideo {

FeatureStore::FeatureStore(const Model& model)
    : caches_(model.frame_caches()), source_(caches_->next_source()) {}

FeatureStore::~FeatureStore() { clear(); }

bool FeatureStore::is_of(const Model& model) const { return model.frame_caches() == caches_; }

std::uint64_t FeatureStore::begin_scan() { return caches_->next_scan(); }

bool FeatureStore::holds_vision(std::int64_t frame_idx) const {
  return caches_->vision.holds({source_, frame_idx});
}

std::shared_ptr<const Tensor> FeatureStore::find_vision(std::int64_t frame_idx,
                                                        std::uint64_t scan) {
  return caches_->vision.find({source_, frame_idx}, scan);
}

std::shared_ptr<const Tensor> FeatureStore::keep_vision(std::int64_t frame_idx, Tensor features,
                                                        std::uint64_t scan) {
  return caches_->vision.put({source_, frame_idx}, std::move(features), scan);
}

std::shared_ptr<const Tensor> FeatureStore::pin_vision(std::int64_t frame_idx) {
  return caches_->vision.pin({source_, frame_idx});
}

std::shared_ptr<const Tensor> FeatureStore::pin_vision(std::int64_t frame_idx, Tensor features) {
  return caches_->vision.pin({source_, frame_idx}, std::move(features));
}

void FeatureStore::unpin_vision(std::int64_t frame_idx,
                                const std::shared_ptr<const Tensor>& features, std::uint64_t scan) {
  caches_->vision.unpin({source_, frame_idx}, features, scan);
}

void FeatureStore::forget_unpinned_vision() {
  caches_->vision.erase_source(source_, /*pinned_too=*/false);
}

std::size_t FeatureStore::vision_bytes() const { return caches_->vision.bytes(source_); }

bool FeatureStore::holds_mask(std::int64_t frame_idx) const {
  return caches_->masks.holds({source_, frame_idx});
}

std::shared_ptr<const MaskFeatures> FeatureStore::find_mask(std::int64_t frame_idx,
                                                            std::uint64_t scan) {
  return caches_->masks.find({source_, frame_idx}, scan);
}

std::shared_ptr<const MaskFeatures> FeatureStore::keep_mask(std::int64_t frame_idx,
                                                            MaskFeatures features,
                                                            std::uint64_t scan) {
  return caches_->masks.put({source_, frame_idx}, std::move(features), scan);
}

std::size_t FeatureStore::mask_bytes() const { return caches_->masks.bytes(source_); }

void FeatureStore::drop_before(std::int64_t frame_idx) {
  caches_->vision.erase_before({source_, frame_idx});
  caches_->masks.erase_before({source_, frame_idx});
}

Shape FeatureStore::frame_size() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return frame_size_;
}

void FeatureStore::set_frame_size(const Shape& frame_size) {
  const std::lock_guard<std::mutex> lock(mutex_);
  frame_size_ = frame_size;
}

void FeatureStore::clear() {
  set_frame_size({});
  caches_->vision.erase_source(source_, /*pinned_too=*/true);
  caches_->masks.erase_source(source_, /*pinned_too=*/true);
}

}  // namespace ufvideo
