#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "ufvideo/model.h"
#include "ufvideo/session.h"
#include "ufvideo/statistics.h"

namespace ufvideo {

/// SigLIP features of a clip's frames, each computed once and kept by frame index, and the video
/// tokens made of them.
class FrameEncoder {
 public:
  explicit FrameEncoder(const Model& model) : model_(model) {}

  /// Encodes the frames not encoded yet.
  ///
  /// @param frames uint8 [F, H, W, 3].
  void encode(const Tensor& frames, const std::vector<std::int64_t>& frame_idxs,
              StageTimings& timings);
  /// Features float32 [F, P, Dv] of encoded frames, in the order asked for.
  Tensor gather(const std::vector<std::int64_t>& frame_idxs) const;
  /// Video tokens float32 [N, D] of a clip or an image whose frames are encoded.
  Tensor align(const Clip& clip, StageTimings& timings) const;

  void clear() { features_.clear(); }
  std::size_t bytes() const;

 private:
  const Model& model_;
  std::unordered_map<std::int64_t, Tensor> features_;
};

/// Frames of a side of `size_px` that go through a frame graph together: enough to fill it, few
/// enough to bound its memory.
std::int64_t frames_per_batch(int size_px);

/// Rows of `frames` resized to a square and put side by side, uint8 [rows, size_px, size_px, 3].
Tensor resized_rows(const Tensor& frames, const std::vector<std::int64_t>& rows, int size_px,
                    StageTimings& timings);

/// Throws InvalidInput unless frames are uint8 [F, H, W, 3] with one index each, F of 1 or more.
void check_frames(const Tensor& frames, const std::vector<std::int64_t>& frame_idxs,
                  const char* where);

}  // namespace ufvideo
