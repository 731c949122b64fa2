#pragma once

#include <cstdint>
#include <vector>

namespace ufvideo {

/// Spreads `num_frames` positions evenly over a clip: the middle of each of equal segments,
/// ascending (docs/model.md, part 3). Positions repeat when the clip has fewer frames. Halves are
/// decided as the released implementation decides them, 1e-6 above the exact middle. Throws
/// InvalidInput when a number is below 1.
std::vector<std::int64_t> sample_positions(std::int64_t num_available, std::int64_t num_frames);

}  // namespace ufvideo
