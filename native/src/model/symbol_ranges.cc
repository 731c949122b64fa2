#include "ufvideo/symbol_ranges.h"

#include <algorithm>

#include "base/error_message.h"
#include "ufvideo/frame_batches.h"
#include "ufvideo/stages/mask_decoder.h"
#include "ufvideo/stages/memory_attention.h"
#include "ufvideo/stages/memory_encoder.h"

namespace ufvideo {
namespace {

/// Frames in one run of the aligner on a device, as FrameEncoder::align passes them.
SymbolRange aligned_frames(const VideoConfig& video) {
  const std::int64_t num_frames = video.num_frames;
  if (video.aligner_padding != 0) {
    // Padded joints reach over the whole clip: it goes in as one.
    return {"T", num_frames, num_frames, num_frames};
  }
  const std::int64_t most = std::min(num_frames / 2 * 2, kFramesPerAlignment);
  return {"T", 2, most, most};
}

/// Objects, memories and object pointers in one run of the memory attention, as Tracker passes
/// them: one memory in an object's second frame, in the end those of the frames before and of each
/// prompted frame.
std::vector<SymbolRange> memory_ranges(const TrackingConfig& tracking) {
  const std::int64_t memories = tracking.num_memories;
  const std::int64_t pointers = tracking.max_object_pointers;
  return {{"O", 1, 1, kObjectsPerTracking},
          {"K", 1, memories, memories - 1 + kMaxPromptedFrames},
          {"Q", 1, pointers, pointers - 1 + kMaxPromptedFrames}};
}

}  // namespace

std::vector<SymbolRange> symbol_ranges(const Manifest& manifest, const std::string& stem) {
  if (manifest.stages.count(stem) == 0) {
    fail(ErrorCode::kInvalidPackage, "symbol_ranges: expected a stage of the manifest, got ", stem);
  }
  const VideoConfig& video = manifest.video;
  if (stem == "vision_encoder") {
    const std::int64_t most = frames_per_batch(video.vision_size_px);
    return {{"T", 1, std::min<std::int64_t>(most, video.num_frames), most}};
  }
  if (stem == "aligner") {
    return {aligned_frames(video)};
  }
  if (stem == "region_encoder") {
    const std::int64_t most = manifest.model.max_region_tokens;
    return {{"R", 1, most, most}};
  }
  if (stem == "mask_encoder") {
    const std::int64_t most = frames_per_batch(video.mask_size_px);
    return {{"F", 1, most, most}};
  }
  if (stem == "mask_decoder") {
    return {{"O", 1, 1, kObjectsPerDecoding}};
  }
  if (stem == "memory_attention") {
    return memory_ranges(*manifest.tracking);
  }
  if (stem == "memory_encoder" || stem == "track_decoder") {
    return {{"O", 1, 1, kObjectsPerTracking}};
  }
  return {};
}

}  // namespace ufvideo
