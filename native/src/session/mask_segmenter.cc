#include "session/mask_segmenter.h"

#include <algorithm>
#include <utility>

#include "base/error_message.h"
#include "base/stage_clock.h"
#include "features/frame_encoder.h"
#include "tensor/finite.h"

namespace ufvideo {
namespace {

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
    : model_(model), call_(call), encoder_(model, std::move(store)) {}

Segmentation MaskSegmenter::segment(const SegmentRequest& request) {
  check_request(request);
  const StageTimings before = call_.timings();
  if (!request.continues) {
    scan_ = encoder_.store()->begin_scan();
  }
  const Tensor& frames = request.frames;
  const std::int64_t num_objects = request.seg_hidden_states.dim(0);
  const std::int64_t num_frames = frames.dim(0);
  Segmentation result;
  result.runs.resize(static_cast<std::size_t>(num_objects));
  result.scores = Tensor(DType::kFloat32, {num_objects, num_frames});
  const std::int64_t step = encoder_.num_frames_per_run();
  const VideoConfig& video = model_.manifest().video;
  MaskRunsDecoder runs({video.mask_logits_size_px, video.mask_size_px,
                        static_cast<int>(frames.dim(1)), static_cast<int>(frames.dim(2))});
  std::int64_t done = 0;
  call_.report(done, num_frames);
  try {
    while (done < num_frames && !call_.is_cancelled()) {
      const std::int64_t first = done;
      const std::int64_t last = std::min(first + step, num_frames);
      const auto features =
          encoder_.features_of({frames, request.frame_idxs, first, last}, scan_, call_.timings());
      while (done < last && !call_.is_cancelled()) {
        decode(request.seg_hidden_states, *features[done - first], done, runs, result);
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
    for (std::vector<std::string>& of_object : result.runs) {
      of_object.resize(static_cast<std::size_t>(done));
    }
  }
  result.timings = timings_between(before, call_.timings());
  return result;
}

void MaskSegmenter::decode(const Tensor& seg_hidden_states, const MaskFeatures& features,
                           std::int64_t frame, MaskRunsDecoder& runs, Segmentation& result) {
  const std::int64_t num_objects = seg_hidden_states.dim(0);
  for (std::int64_t first = 0; first < num_objects; first += kObjectsPerDecoding) {
    const std::int64_t end = std::min(first + kObjectsPerDecoding, num_objects);
    decode_group(seg_hidden_states.rows(first, end), first, features, frame, runs, result);
  }
}

void MaskSegmenter::decode_group(const Tensor& seg_hidden_states, std::int64_t first_object,
                                 const MaskFeatures& features, std::int64_t frame,
                                 MaskRunsDecoder& runs, Segmentation& result) {
  const std::int64_t num_objects = seg_hidden_states.dim(0);
  const MaskDecoder& decoder = model_.mask_decoder();
  const DecodedMasks decoded = timed(call_.timings(), decoder.stem(), num_objects,
                                     [&] { return decoder.decode(features, seg_hidden_states); });
  require_finite(decoded.mask_logits, "mask_decoder: mask_logits");
  require_finite(decoded.iou_scores, "mask_decoder: iou_scores");
  // Every run's shapes are held to the manifest's, which are square.
  const std::int64_t side = model_.manifest().video.mask_logits_size_px;
  timed(call_.timings(), "mask_resize", num_objects, [&] {
    for (std::int64_t object = 0; object < num_objects; ++object) {
      const std::int64_t row = first_object + object;
      result.runs[row].push_back(
          runs.decode(decoded.mask_logits.data<float>() + object * side * side));
      const float* scores = decoded.iou_scores.data<float>() + object * decoded.iou_scores.dim(1);
      result.scores.data<float>()[row * result.scores.dim(1) + frame] =
          *std::max_element(scores, scores + decoded.iou_scores.dim(1));
    }
    return true;
  });
}

}  // namespace ufvideo
