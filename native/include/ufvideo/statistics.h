#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace ufvideo {

/// Calls and wall time of one stage.
struct StageTiming {
  std::int64_t num_calls = 0;
  /// Frames for the frame stages, tokens for the text stages, objects x frames for the mask
  /// decoder.
  std::int64_t num_items = 0;
  double total_ms = 0.0;
};

/// Timings by stage stem ("vision_encoder", ...), plus "resize" and "mask_resize".
using StageTimings = std::map<std::string, StageTiming>;

}  // namespace ufvideo
