#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "ufvideo/tensor.h"

namespace ufvideo {

/// The candidates of one object on one frame, one of which was taken.
struct CandidateMasks {
  /// float32 [3, 4h, 4w].
  const Tensor& logits;
  std::int64_t taken;
  /// Predicted IoU of the one taken.
  float iou_score;
};

/// Intersection over union of two boxes: that around the mask taken, and that around it and the
/// largest connected part of another candidate outside it; the smallest of the other candidates,
/// and 1 if none lies outside. Small where the decoder sees a second object.
float rival_box_iou(const CandidateMasks& masks);

/// Decides which frames of an object tell it from others that look alike: the rule of the
/// distractor-aware memory of DAM4SAM (arXiv 2509.13864, "introspection-based update"). A mask that
/// is reliable (predicted IoU above 0.8, its area within a fifth of the median of the last 300)
/// beside a rival (rival_box_iou of at most 0.7), more than five frames after the one before.
class DistractorRule {
 public:
  /// Looks at the next frame, one that was not prompted.
  bool observe(const CandidateMasks& masks);
  /// The next frame was prompted.
  void skip() { ++num_frames_; }

 private:
  bool is_reliable(float iou_score, std::int64_t area) const;

  std::int64_t num_frames_ = 0;
  /// Areas in pixels of the masks taken, the last ones that are not empty.
  std::deque<std::int64_t> areas_;
  std::optional<std::int64_t> last_found_;
};

}  // namespace ufvideo
