#include "ufvideo/session.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/error_message.h"
#include "frames/mask_resize.h"
#include "session_state.h"

namespace ufvideo {
namespace {

/// The features in memory of their own, so that a kept frame does not keep its whole batch.
MaskFeatures copied(const MaskFeatures& features) {
  const auto copy = [](const Tensor& tensor) {
    Tensor own(tensor.dtype(), tensor.shape());
    std::memcpy(own.raw(), tensor.raw(), tensor.bytes());
    return own;
  };
  return {copy(features.image_features), copy(features.high_res_features_0),
          copy(features.high_res_features_1)};
}

}  // namespace

Session::Entry::Entry(State& state, Poisoned poisoned) : state_(state) {
  if (state.busy.exchange(true)) {
    fail(ErrorCode::kInvalidState,
         "session: expected one thread at a time, another one is inside; open a session for each "
         "thread, the model is shared");
  }
  if (state.poisoned && poisoned == Poisoned::kRefused) {
    state.busy = false;
    fail(ErrorCode::kInvalidState,
         "session: expected a sound session, an earlier run failed; call reset()");
  }
}

Session::Entry::~Entry() { state_.busy = false; }

Session::Session(std::shared_ptr<const Model> model)
    : state_(std::make_unique<State>(std::move(model))) {}

Session::~Session() = default;

void Session::open_clip(const Clip& clip) {
  const Entry entry(*state_);
  State& state = *state_;
  state.require_no_answer();
  check_frames(clip.frames, clip.frame_idxs, "open_clip");
  const int num_frames = clip.is_image ? 1 : state.model->manifest().video.num_frames;
  if (clip.frames.dim(0) != num_frames) {
    fail(ErrorCode::kInvalidInput, "open_clip: frames: expected ", num_frames,
         clip.is_image ? " for an image" : " (the model's num_frames)", ", got ",
         clip.frames.dim(0));
  }
  state.forget_conversation();
  state.video_tokens = Tensor();
  state.frame_encoder.clear();
  state.mask_features.clear();
  state.is_image = clip.is_image;
  state.frame_encoder.encode(clip.frames, clip.frame_idxs, state.timings);
  state.video_tokens = state.frame_encoder.align(clip, state.timings);
}

void Session::begin(const Prompt& prompt, const GenerationConfig& config) {
  const Entry entry(*state_);
  state_->begin_answer(prompt, config);
}

std::optional<std::int64_t> Session::step() {
  const Entry entry(*state_);
  return state_->next_token();
}

Generation Session::finish() {
  const Entry entry(*state_);
  return state_->finish_answer();
}

Segmentation Session::segment(const Tensor& seg_hidden_states, const Tensor& frames,
                              const std::vector<std::int64_t>& frame_idxs) {
  const Entry entry(*state_);
  check_frames(frames, frame_idxs, "segment");
  if (seg_hidden_states.shape().size() != 2 || seg_hidden_states.dim(0) < 1) {
    fail(ErrorCode::kInvalidInput,
         "segment: seg_hidden_states: expected float32 [O, D] with O of 1 or more, got ",
         shape_string(seg_hidden_states.shape()));
  }
  State& state = *state_;
  const StageTimings before = state.timings;
  const std::int64_t num_objects = seg_hidden_states.dim(0);
  const std::int64_t num_frames = frames.dim(0);
  Segmentation result;
  result.masks = Tensor(DType::kBool, {num_objects, num_frames, frames.dim(1), frames.dim(2)});
  result.scores = Tensor(DType::kFloat32, {num_objects, num_frames});
  const std::int64_t step = frames_per_batch(state.model->manifest().video.mask_size_px);
  for (std::int64_t first = 0; first < num_frames; first += step) {
    const std::int64_t last = std::min(first + step, num_frames);
    const std::vector<MaskFeatures> features =
        state.mask_features_of(frames, frame_idxs, first, last);
    for (std::int64_t frame = first; frame < last; ++frame) {
      state.decode_masks(seg_hidden_states, features[frame - first], frame, result);
    }
  }
  result.timings = timings_between(before, state.timings);
  return result;
}

std::vector<MaskFeatures> Session::State::mask_features_of(
    const Tensor& frames, const std::vector<std::int64_t>& frame_idxs, std::int64_t first,
    std::int64_t last) {
  std::unordered_map<std::int64_t, MaskFeatures> by_idx;
  std::unordered_set<std::int64_t> seen;
  std::vector<std::int64_t> missing;
  for (std::int64_t frame = first; frame < last; ++frame) {
    const std::int64_t idx = frame_idxs[frame];
    if (!seen.insert(idx).second) {
      continue;
    }
    if (const MaskFeatures* kept = mask_features.find(idx)) {
      by_idx.emplace(idx, *kept);
    } else {
      missing.push_back(frame);
    }
  }
  if (!missing.empty()) {
    encode_mask_frames(frames, frame_idxs, missing, by_idx);
  }
  std::vector<MaskFeatures> features;
  for (std::int64_t frame = first; frame < last; ++frame) {
    features.push_back(by_idx.at(frame_idxs[frame]));
  }
  return features;
}

void Session::State::encode_mask_frames(const Tensor& frames,
                                        const std::vector<std::int64_t>& frame_idxs,
                                        const std::vector<std::int64_t>& missing,
                                        std::unordered_map<std::int64_t, MaskFeatures>& by_idx) {
  const Tensor batch = resized_rows(frames, missing, model->manifest().video.mask_size_px, timings);
  const MaskEncoder& encoder = model->mask_encoder();
  const MaskFeatures encoded =
      timed(timings, encoder.stem(), batch.dim(0), [&] { return encoder.encode(batch); });
  for (std::size_t i = 0; i < missing.size(); ++i) {
    const MaskFeatures one = encoded.frame(static_cast<std::int64_t>(i));
    const MaskFeatures own = missing.size() == 1 ? one : copied(one);
    mask_features.put(frame_idxs[missing[i]], own);
    by_idx.emplace(frame_idxs[missing[i]], own);
  }
}

void Session::State::decode_masks(const Tensor& seg_hidden_states, const MaskFeatures& features,
                                  std::int64_t frame, Segmentation& result) {
  const std::int64_t num_objects = seg_hidden_states.dim(0);
  const MaskDecoder& decoder = model->mask_decoder();
  const DecodedMasks decoded = timed(timings, decoder.stem(), num_objects,
                                     [&] { return decoder.decode(features, seg_hidden_states); });
  const std::int64_t num_frames = result.masks.dim(1);
  const int height = static_cast<int>(result.masks.dim(2));
  const int width = static_cast<int>(result.masks.dim(3));
  const int mask_size_px = model->manifest().video.mask_size_px;
  const int side = static_cast<int>(decoded.mask_logits.dim(1));
  if (decoded.mask_logits.dim(2) != side) {
    fail(ErrorCode::kInvalidPackage, "mask_decoder: expected square mask logits, got ",
         shape_string(decoded.mask_logits.shape()));
  }
  timed(timings, "mask_resize", num_objects, [&] {
    for (std::int64_t object = 0; object < num_objects; ++object) {
      const std::int64_t row = object * num_frames + frame;
      decode_mask(decoded.mask_logits.data<float>() + object * side * side, side, mask_size_px,
                  height, width, result.masks.data<bool>() + row * height * width);
      const float* scores = decoded.iou_scores.data<float>() + object * decoded.iou_scores.dim(1);
      result.scores.data<float>()[row] =
          *std::max_element(scores, scores + decoded.iou_scores.dim(1));
    }
    return true;
  });
}

void Session::cancel() { state_->cancelled = true; }

void Session::reset() {
  const Entry entry(*state_, Poisoned::kAccepted);
  state_->forget_conversation();
}

const Tensor& Session::video_tokens() const {
  const Entry entry(*state_, Poisoned::kAccepted);
  state_->require_clip("video_tokens");
  return state_->video_tokens;
}

StageTimings Session::timings() const {
  const Entry entry(*state_, Poisoned::kAccepted);
  return state_->timings;
}

std::size_t Session::held_bytes() const {
  const Entry entry(*state_, Poisoned::kAccepted);
  return state_->frame_encoder.bytes() + state_->video_tokens.bytes() +
         state_->mask_features.bytes() + state_->cache->bytes();
}

}  // namespace ufvideo
