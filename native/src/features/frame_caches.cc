#include "features/frame_caches.h"

#include <algorithm>

namespace ufvideo {

FrameCaches::FrameCaches(const std::shared_ptr<MemoryBudget>& budget)
    : pixels(budget, MemoryKind::kPixels, MemoryKind::kPixels),
      vision(budget, MemoryKind::kRegionFeatures, MemoryKind::kClipFeatures),
      masks(budget, MemoryKind::kMaskFeatures, MemoryKind::kMaskFeatures) {}

std::size_t FrameCaches::evict(std::size_t bytes) {
  std::size_t freed = pixels.evict(bytes);
  freed += vision.evict(bytes - std::min(bytes, freed));
  freed += masks.evict(bytes - std::min(bytes, freed));
  return freed;
}

std::shared_ptr<FrameCaches> make_frame_caches(const std::shared_ptr<MemoryBudget>& budget) {
  auto caches = std::make_shared<FrameCaches>(budget);
  budget->set_evict([weak = std::weak_ptr<FrameCaches>(caches)](std::size_t bytes) {
    const std::shared_ptr<FrameCaches> alive = weak.lock();
    return alive ? alive->evict(bytes) : std::size_t{0};
  });
  return caches;
}

}  // namespace ufvideo
