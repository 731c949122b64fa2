#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "ufvideo/tensor.h"

namespace ufvideo {

struct FrameCaches;
class Model;

/// Pixels of frames of one clip, kept so that they need not be read again, within
/// RuntimeConfig::pixel_cache_bytes, which bounds those of all clips of the model together: the
/// oldest clips' make room for a new clip's. Dropped first when memory is needed for something
/// else. Any thread.
class PixelCache {
 public:
  explicit PixelCache(const Model& model);
  ~PixelCache();
  PixelCache(const PixelCache&) = delete;
  PixelCache& operator=(const PixelCache&) = delete;

  /// Copies a frame, uint8 [H, W, 3], if there is room for it.
  void keep(std::int64_t frame_idx, const Tensor& frame);
  /// Writes the frame to one of its size; false if it is not kept. Throws InvalidInput for another
  /// size.
  bool read(std::int64_t frame_idx, Tensor& frame) const;
  bool holds(std::int64_t frame_idx) const;
  std::size_t bytes() const;

 private:
  std::shared_ptr<FrameCaches> caches_;
  const std::uint64_t source_;
  /// All frames of a clip are of one scan: those that are kept first stay.
  const std::uint64_t scan_;
};

}  // namespace ufvideo
