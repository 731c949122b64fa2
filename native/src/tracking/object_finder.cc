#include "tracking/object_finder.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>

#include "base/stage_clock.h"
#include "tensor/device_memory.h"
#include "tensor/finite.h"

namespace ufvideo {
namespace {

/// Candidate with the highest score, for each row of float32 [O, 3].
std::vector<std::int64_t> best_columns(const Tensor& scores) {
  std::vector<std::int64_t> best;
  for (std::int64_t row = 0; row < scores.dim(0); ++row) {
    const float* first = scores.data<float>() + row * scores.dim(1);
    best.push_back(std::distance(first, std::max_element(first, first + scores.dim(1))));
  }
  return best;
}

/// @param masks DecodedMasks or TrackCandidates.
template <typename Masks>
void require_finite_masks(const std::string& stem, const Masks& masks) {
  require_finite(masks.mask_logits, (stem + ": mask_logits").c_str());
  require_finite(masks.iou_scores, (stem + ": iou_scores").c_str());
  require_finite(masks.object_scores, (stem + ": object_scores").c_str());
  require_finite(masks.object_pointers, (stem + ": object_pointers").c_str());
}

/// Object `row` with its candidate `column`, from float32 [O, 3, 4h, 4w], [O, 3], [O, 1] and
/// [O, 3, C].
FoundObject candidate_of(const TrackCandidates& candidates, std::int64_t row, std::int64_t column) {
  const auto of_object = [&](const Tensor& all) {
    return all.rows(row, row + 1).reshaped(Shape(all.shape().begin() + 1, all.shape().end()));
  };
  const Tensor all_logits = of_object(candidates.mask_logits);
  const Tensor logits = all_logits.rows(column, column + 1);
  return {logits.reshaped({logits.dim(1), logits.dim(2)}),
          candidates.iou_scores.data<float>()[row * candidates.iou_scores.dim(1) + column],
          candidates.object_scores.data<float>()[row],
          of_object(candidates.object_pointers).rows(column, column + 1),
          all_logits,
          column};
}

/// Tensors [1, ...] of all objects, the same number for each, as one [O, n, ...] on the device of
/// the first.
Tensor stacked(const std::vector<Tensor>& parts, std::size_t num_objects) {
  Shape shape = parts.front().shape();
  shape[0] = static_cast<std::int64_t>(parts.size());
  const Tensor whole = concatenated_on(parts.front().device(), parts, DType::kFloat32, shape);
  shape[0] = static_cast<std::int64_t>(parts.size() / num_objects);
  shape.insert(shape.begin(), static_cast<std::int64_t>(num_objects));
  return whole.reshaped(shape);
}

TrackMemories joined_memories(const std::vector<Recall>& recalls) {
  std::vector<Tensor> features;
  std::vector<Tensor> pointers;
  const auto num_objects = static_cast<std::int64_t>(recalls.size());
  const auto num_memories = static_cast<std::int64_t>(recalls.front().ages.size());
  Tensor ages(DType::kInt64, {num_objects, num_memories});
  std::int64_t* next_age = ages.data<std::int64_t>();
  for (const Recall& recall : recalls) {
    features.insert(features.end(), recall.features.begin(), recall.features.end());
    pointers.insert(pointers.end(), recall.pointers.begin(), recall.pointers.end());
    next_age = std::copy(recall.ages.begin(), recall.ages.end(), next_age);
  }
  return {stacked(features, recalls.size()), ages, stacked(pointers, recalls.size())};
}

}  // namespace

std::vector<FoundObject> ObjectFinder::by_prompt(const Tensor& seg_hidden_states) const {
  const MaskDecoder& decoder = model_.mask_decoder();
  const std::int64_t num_objects = seg_hidden_states.dim(0);
  const DecodedMasks decoded = timed(timings_, decoder.stem(), num_objects,
                                     [&] { return decoder.decode(features_, seg_hidden_states); });
  require_finite_masks(decoder.stem(), decoded);
  const std::vector<std::int64_t> best = best_columns(decoded.iou_scores);
  std::vector<FoundObject> found;
  for (std::int64_t i = 0; i < num_objects; ++i) {
    const Tensor logits = decoded.mask_logits.rows(i, i + 1);
    found.push_back({logits.reshaped({logits.dim(1), logits.dim(2)}),
                     decoded.iou_scores.data<float>()[i * decoded.iou_scores.dim(1) + best[i]],
                     decoded.object_scores.data<float>()[i],
                     decoded.object_pointers.rows(i, i + 1)});
  }
  return found;
}

std::vector<FoundObject> ObjectFinder::by_memory(const std::vector<Recall>& recalls) const {
  const auto num_objects = static_cast<std::int64_t>(recalls.size());
  const MemoryAttention& attention = model_.memory_attention();
  const Tensor conditioned = timed(timings_, attention.stem(), num_objects, [&] {
    return attention.condition(features_, joined_memories(recalls));
  });
  const TrackDecoder& decoder = model_.track_decoder();
  const TrackCandidates candidates = timed(timings_, decoder.stem(), num_objects,
                                           [&] { return decoder.decode(features_, conditioned); });
  require_finite_masks(decoder.stem(), candidates);
  const std::vector<std::int64_t> best = best_columns(candidates.iou_scores);
  std::vector<FoundObject> found;
  for (std::int64_t i = 0; i < num_objects; ++i) {
    found.push_back(candidate_of(candidates, i, best[i]));
  }
  return found;
}

std::vector<FrameMemory> ObjectFinder::memories_of(const std::vector<FoundObject>& found) const {
  std::vector<Tensor> masks;
  for (const FoundObject& each : found) {
    const Shape& side = each.mask_logits.shape();
    masks.push_back(each.mask_logits.reshaped({1, side[0], side[1]}));
  }
  const MemoryEncoder& encoder = model_.memory_encoder();
  const Tensor features = timed(timings_, encoder.stem(), static_cast<std::int64_t>(found.size()),
                                [&] { return encoder.encode(features_, concatenated(masks)); });
  // One that is not finite would spoil every later frame.
  require_finite(features.on_host(), "memory_encoder: memory_features");
  std::vector<FrameMemory> memories;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    // Rows would keep their batch, and leave holes in the arena of the graphs' outputs.
    memories.push_back({copied(features.rows(row, row + 1)), copied(found[i].pointer)});
  }
  return memories;
}

}  // namespace ufvideo
