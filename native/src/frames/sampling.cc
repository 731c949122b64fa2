#include "ufvideo/sampling.h"

#include <cmath>

#include "base/error_message.h"

namespace ufvideo {

std::vector<std::int64_t> sample_positions(std::int64_t num_available, std::int64_t num_frames) {
  if (num_available < 1 || num_frames < 1) {
    fail(ErrorCode::kInvalidInput,
         "sample_positions: expected 1 or more frames to sample from and to take, got ",
         num_available, " and ", num_frames);
  }
  const double segment = static_cast<double>(num_available - 1) / static_cast<double>(num_frames);
  std::vector<std::int64_t> positions(num_frames);
  for (std::int64_t i = 0; i < num_frames; ++i) {
    const double start = segment * static_cast<double>(i);
    const double end = segment * static_cast<double>(i + 1);
    positions[i] = static_cast<std::int64_t>(std::nearbyint((start + end) / 2 + 1e-6));
  }
  return positions;
}

}  // namespace ufvideo
