#pragma once

#include <cstdint>
#include <vector>

#include "tracking/memory_bank.h"
#include "ufvideo/model.h"
#include "ufvideo/statistics.h"

namespace ufvideo {

/// What one frame shows of one object.
struct FoundObject {
  /// float32 [4h, 4w], in host memory.
  Tensor mask_logits;
  /// Predicted IoU of that mask.
  float iou_score = 0.0f;
  float object_score = 0.0f;
  /// float32 [1, C], in host memory.
  Tensor pointer;
  /// Logits of all candidates, float32 [3, 4h, 4w], and which of them was taken; empty for an
  /// object found by its prompt.
  Tensor candidates{};
  std::int64_t taken = 0;
};

/// Finds objects on one frame, some in one run of each stage. Throws NotFiniteError for numbers
/// that are not finite.
class ObjectFinder {
 public:
  /// @param features of the frame.
  ObjectFinder(const Model& model, const MaskFeatures& features, StageTimings& timings)
      : model_(model), features_(features), timings_(timings) {}

  /// Objects by their prompts, float32 [O, D].
  std::vector<FoundObject> by_prompt(const Tensor& seg_hidden_states) const;
  /// Objects by their memories, of equal shape.
  std::vector<FoundObject> by_memory(const std::vector<Recall>& recalls) const;
  /// What later frames remember of each, in memory of its own.
  std::vector<FrameMemory> memories_of(const std::vector<FoundObject>& found) const;

 private:
  const Model& model_;
  const MaskFeatures& features_;
  StageTimings& timings_;
};

}  // namespace ufvideo
