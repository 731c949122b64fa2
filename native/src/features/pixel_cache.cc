#include "ufvideo/pixel_cache.h"

#include "base/error_message.h"
#include "features/frame_caches.h"
#include "tensor/device_memory.h"
#include "ufvideo/model.h"

namespace ufvideo {
PixelCache::PixelCache(const Model& model)
    : caches_(model.frame_caches()), source_(caches_->next_source()), scan_(caches_->next_scan()) {}

PixelCache::~PixelCache() { caches_->pixels.erase_source(source_, /*pinned_too=*/true); }

void PixelCache::keep(std::int64_t frame_idx, const Tensor& frame) {
  if (frame.dtype() != DType::kUint8 || frame.shape().size() != 3 || frame.dim(2) != 3) {
    fail(ErrorCode::kInvalidInput, "pixel cache: expected a frame uint8 [H, W, 3], got ",
         dtype_name(frame.dtype()), " ", shape_string(frame.shape()));
  }
  if (!holds(frame_idx)) {
    caches_->pixels.put({source_, frame_idx}, copied(frame), scan_);
  }
}

bool PixelCache::read(std::int64_t frame_idx, Tensor& frame) const {
  const std::shared_ptr<const Tensor> kept = caches_->pixels.find({source_, frame_idx}, scan_);
  if (!kept) {
    return false;
  }
  if (frame.dtype() != DType::kUint8 || frame.shape() != kept->shape()) {
    fail(ErrorCode::kInvalidInput, "pixel cache: expected an array for a frame uint8 ",
         shape_string(kept->shape()), ", got ", dtype_name(frame.dtype()), " ",
         shape_string(frame.shape()));
  }
  copy_content(*kept, frame);
  return true;
}

bool PixelCache::holds(std::int64_t frame_idx) const {
  return caches_->pixels.holds({source_, frame_idx});
}

std::size_t PixelCache::bytes() const { return caches_->pixels.bytes(source_); }

}  // namespace ufvideo
