#include "session/mask_segmenter.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/error_message.h"
#include "base/stage_clock.h"
#include "features/frame_encoder.h"
#include "frames/mask_resize.h"
#include "tensor/device_memory.h"
#include "tensor/finite.h"
#include "ufvideo/mask_runs.h"

namespace ufvideo {
namespace {

/// The features in memory of their own: a frame would keep its whole batch, and also a single one
/// leave a hole in the arena of the graphs' outputs.
MaskFeatures own_features(const MaskFeatures& features) {
  return {copied(features.image_features), copied(features.high_res_features_0),
          copied(features.high_res_features_1)};
}

/// The first `count` columns of float32 [O, F].
Tensor first_columns(const Tensor& scores, std::int64_t count) {
  Tensor first(DType::kFloat32, {scores.dim(0), count});
  for (std::int64_t row = 0; row < scores.dim(0); ++row) {
    std::copy_n(scores.data<float>() + row * scores.dim(1), count,
                first.data<float>() + row * count);
  }
  return first;
}

void check_request(const SegmentRequest& request) {
  check_frames(request.frames, request.frame_idxs, "segment");
  const Shape& shape = request.seg_hidden_states.shape();
  if (shape.size() != 2 || shape[0] < 1) {
    fail(ErrorCode::kInvalidInput,
         "segment: seg_hidden_states: expected float32 [O, D] with O of 1 or more, got ",
         shape_string(shape));
  }
}

}  // namespace

MaskSegmenter::MaskSegmenter(const Model& model, CallContext& call,
                             std::shared_ptr<FeatureStore> store)
    : model_(model), call_(call), store_(std::move(store)) {}

Segmentation MaskSegmenter::segment(const SegmentRequest& request) {
  check_request(request);
  const StageTimings before = call_.timings();
  if (!request.continues) {
    scan_ = store_->begin_scan();
  }
  const Tensor& frames = request.frames;
  const std::int64_t num_objects = request.seg_hidden_states.dim(0);
  const std::int64_t num_frames = frames.dim(0);
  Segmentation result;
  result.runs.resize(static_cast<std::size_t>(num_objects));
  result.scores = Tensor(DType::kFloat32, {num_objects, num_frames});
  const std::int64_t step =
      frames_per_run(model_.mask_encoder(), model_.manifest().video.mask_size_px);
  Tensor mask(DType::kBool, {frames.dim(1), frames.dim(2)});
  std::int64_t done = 0;
  call_.report(done, num_frames);
  try {
    while (done < num_frames && !call_.is_cancelled()) {
      const std::int64_t first = done;
      const std::int64_t last = std::min(first + step, num_frames);
      const std::vector<Features> features = features_of(request, first, last);
      while (done < last && !call_.is_cancelled()) {
        decode(request.seg_hidden_states, *features[done - first], done, mask, result);
        call_.report(++done, num_frames);
      }
    }
  } catch (const RunCancelled&) {
    // The frame under way is lost, those before it are whole.
    result.cancelled = true;
  }
  if (done < num_frames) {
    result.cancelled = true;
    result.scores = first_columns(result.scores, done);
    for (std::vector<std::string>& runs : result.runs) {
      runs.resize(static_cast<std::size_t>(done));
    }
  }
  result.timings = timings_between(before, call_.timings());
  return result;
}

std::vector<MaskSegmenter::Features> MaskSegmenter::features_of(const SegmentRequest& request,
                                                                std::int64_t first,
                                                                std::int64_t last) {
  std::unordered_map<std::int64_t, Features> by_idx;
  std::unordered_set<std::int64_t> seen;
  std::vector<std::int64_t> missing;
  for (std::int64_t frame = first; frame < last; ++frame) {
    const std::int64_t idx = request.frame_idxs[frame];
    if (!seen.insert(idx).second) {
      continue;
    }
    if (Features kept = store_->find_mask(idx, scan_)) {
      by_idx.emplace(idx, std::move(kept));
    } else {
      missing.push_back(frame);
    }
  }
  if (!missing.empty()) {
    encode(request, missing, by_idx);
  }
  std::vector<Features> features;
  for (std::int64_t frame = first; frame < last; ++frame) {
    features.push_back(by_idx.at(request.frame_idxs[frame]));
  }
  return features;
}

void MaskSegmenter::encode(const SegmentRequest& request, const std::vector<std::int64_t>& rows,
                           std::unordered_map<std::int64_t, Features>& by_idx) {
  const Tensor batch = resized_rows(request.frames, rows, model_.manifest().video.mask_size_px,
                                    resize_threads(model_.config()), call_.timings());
  const MaskEncoder& encoder = model_.mask_encoder();
  const MaskFeatures encoded =
      timed(call_.timings(), encoder.stem(), batch.dim(0), [&] { return encoder.encode(batch); });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const MaskFeatures one = encoded.frame(static_cast<std::int64_t>(i));
    const std::int64_t idx = request.frame_idxs[rows[i]];
    by_idx.emplace(idx, store_->keep_mask(idx, own_features(one), scan_));
  }
}

void MaskSegmenter::decode(const Tensor& seg_hidden_states, const MaskFeatures& features,
                           std::int64_t frame, Tensor& mask, Segmentation& result) {
  const std::int64_t num_objects = seg_hidden_states.dim(0);
  for (std::int64_t first = 0; first < num_objects; first += kObjectsPerDecoding) {
    const std::int64_t end = std::min(first + kObjectsPerDecoding, num_objects);
    decode_group(seg_hidden_states.rows(first, end), first, features, frame, mask, result);
  }
}

void MaskSegmenter::decode_group(const Tensor& seg_hidden_states, std::int64_t first_object,
                                 const MaskFeatures& features, std::int64_t frame, Tensor& mask,
                                 Segmentation& result) {
  const std::int64_t num_objects = seg_hidden_states.dim(0);
  const MaskDecoder& decoder = model_.mask_decoder();
  const DecodedMasks decoded = timed(call_.timings(), decoder.stem(), num_objects,
                                     [&] { return decoder.decode(features, seg_hidden_states); });
  require_finite(decoded.mask_logits, "mask_decoder: mask_logits");
  require_finite(decoded.iou_scores, "mask_decoder: iou_scores");
  const int height = static_cast<int>(mask.dim(0));
  const int width = static_cast<int>(mask.dim(1));
  const int mask_size_px = model_.manifest().video.mask_size_px;
  // Every run's shapes are held to the manifest's, which are square.
  const int side = model_.manifest().video.mask_logits_size_px;
  timed(call_.timings(), "mask_resize", num_objects, [&] {
    for (std::int64_t object = 0; object < num_objects; ++object) {
      const std::int64_t row = first_object + object;
      decode_mask(decoded.mask_logits.data<float>() + object * side * side, side, mask_size_px,
                  height, width, mask.data<bool>());
      result.runs[row].push_back(encode_mask_runs(mask.data<bool>(), height, width));
      const float* scores = decoded.iou_scores.data<float>() + object * decoded.iou_scores.dim(1);
      result.scores.data<float>()[row * result.scores.dim(1) + frame] =
          *std::max_element(scores, scores + decoded.iou_scores.dim(1));
    }
    return true;
  });
}

}  // namespace ufvideo
