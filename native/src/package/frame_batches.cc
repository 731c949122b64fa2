#include "ufvideo/frame_batches.h"

#include <algorithm>

namespace ufvideo {

bool batches_frames_on_device(const std::string& precision) {
  return precision == "fp32" || precision == "fp16";
}

std::int64_t frames_per_batch(int size_px) {
  constexpr std::int64_t kPixels = std::int64_t{1} << 20;
  return std::clamp<std::int64_t>(kPixels / (std::int64_t{size_px} * size_px), 1, 8);
}

std::int64_t num_video_tokens(const VideoConfig& video, std::int64_t num_frames) {
  const std::int64_t padding = 2 * std::int64_t{video.aligner_padding};
  const std::int64_t side = (video.patch_grid + padding) / 2;
  return (num_frames + padding) / 2 * side * side;
}

}  // namespace ufvideo
