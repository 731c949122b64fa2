#pragma once

#include <cstdint>
#include <string>

#include "ufvideo/manifest.h"

namespace ufvideo {

/// Whether a stage of this precision takes several frames in one run on a device. On the CPU none
/// does (Stage::batches_frames).
bool batches_frames_on_device(const std::string& precision);

/// Frames of a side of `size_px` that fill a device in one run of a frame graph without taking too
/// much of its memory.
std::int64_t frames_per_batch(int size_px);

/// Most frames that go through an aligner without padding in one run, if it batches frames; else a
/// pair does. Even: it joins (2k, 2k + 1).
inline constexpr std::int64_t kFramesPerAlignment = 16;

/// Video tokens that the aligner's sampler makes of some frames: it joins 2 x 2 x 2 features, with
/// zeros around them if padded.
std::int64_t num_video_tokens(const VideoConfig& video, std::int64_t num_frames);

}  // namespace ufvideo
