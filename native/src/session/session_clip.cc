#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/error_message.h"
#include "session/session_state.h"
#include "tensor/device_memory.h"

namespace ufvideo {
namespace {

void check_frame_size(const Tensor& frames, const Shape& size, const char* where) {
  if (frames.dim(1) != size[0] || frames.dim(2) != size[1]) {
    fail(ErrorCode::kInvalidInput, where, ": expected the clip's frame size ", shape_string(size),
         ", got ", shape_string({frames.dim(1), frames.dim(2)}));
  }
}

}  // namespace

void Session::State::begin_clip(const std::vector<std::int64_t>& frame_idxs, bool image) {
  require_no_answer();
  const int num_frames = image ? 1 : model->manifest().video.num_frames;
  if (static_cast<int>(frame_idxs.size()) != num_frames) {
    fail(ErrorCode::kInvalidInput, "clip: frames: expected ", num_frames,
         image ? " for an image" : " (the model's num_frames)", ", got ", frame_idxs.size());
  }
  forget_conversation();
  video_tokens = Tensor();
  frame_encoder.clear();
  mask_features.clear();
  frame_size.clear();
  is_image = image;
  clip_idxs = frame_idxs;
}

void Session::State::add_frames(const Tensor& frames, const std::vector<std::int64_t>& frame_idxs) {
  if (clip_idxs.empty() || !video_tokens.empty()) {
    fail(ErrorCode::kInvalidState, "clip: expected one being opened, none is; call begin_clip");
  }
  check_frames(frames, frame_idxs, "clip");
  for (const std::int64_t idx : frame_idxs) {
    if (std::find(clip_idxs.begin(), clip_idxs.end(), idx) == clip_idxs.end()) {
      fail(ErrorCode::kInvalidInput, "clip: frame_idxs: expected indices given to begin_clip, got ",
           idx);
    }
  }
  if (frame_size.empty()) {
    frame_size = {frames.dim(1), frames.dim(2)};
  }
  check_frame_size(frames, frame_size, "clip: frames");
  const std::unordered_set<std::int64_t> distinct(clip_idxs.begin(), clip_idxs.end());
  const auto report_encoded = [&] {
    report(static_cast<std::int64_t>(frame_encoder.num_clip_frames()),
           static_cast<std::int64_t>(distinct.size()));
  };
  report_encoded();
  frame_encoder.encode_clip(frames, frame_idxs, timings, report_encoded);
}

void Session::State::end_clip() {
  if (clip_idxs.empty() || !video_tokens.empty()) {
    fail(ErrorCode::kInvalidState, "clip: expected one being opened, none is; call begin_clip");
  }
  for (const std::int64_t idx : clip_idxs) {
    if (!frame_encoder.in_clip(idx)) {
      fail(ErrorCode::kInvalidInput, "clip: expected every frame of it, frame ", idx,
           " was not given to add_frames");
    }
  }
  video_tokens = frame_encoder.align(clip_idxs, is_image, timings);
}

void Session::begin_clip(const std::vector<std::int64_t>& frame_idxs, bool is_image) {
  const Entry entry(*state_);
  state_->begin_clip(frame_idxs, is_image);
}

void Session::add_frames(const Tensor& frames, const std::vector<std::int64_t>& frame_idxs,
                         const CallOptions& options) {
  const Entry entry(*state_, &options);
  state_->to_the_end("clip", [&] { state_->add_frames(frames, frame_idxs); });
}

void Session::end_clip(const CallOptions& options) {
  const Entry entry(*state_, &options);
  state_->to_the_end("clip", [&] { state_->end_clip(); });
}

void Session::open_clip(const Clip& clip, const CallOptions& options) {
  const Entry entry(*state_, &options);
  check_frames(clip.frames, clip.frame_idxs, "clip");
  state_->begin_clip(clip.frame_idxs, clip.is_image);
  state_->to_the_end("clip", [&] {
    state_->add_frames(clip.frames, clip.frame_idxs);
    state_->end_clip();
  });
}

std::vector<std::int64_t> Session::missing_frames(
    const std::vector<std::int64_t>& frame_idxs) const {
  const Entry entry(*state_);
  std::vector<std::int64_t> missing;
  std::unordered_set<std::int64_t> seen;
  for (const std::int64_t idx : frame_idxs) {
    if (seen.insert(idx).second && !state_->frame_encoder.holds(idx)) {
      missing.push_back(idx);
    }
  }
  return missing;
}

void Session::State::check_regions(const Prompt& prompt) const {
  if (!prompt.region_frame_idxs.empty() || !prompt.region_frames.empty()) {
    check_frames(prompt.region_frames, prompt.region_frame_idxs, "prompt: region_frames");
    check_frame_size(prompt.region_frames, frame_size, "prompt: region_frames");
  }
  for (const RegionPrompt& region : prompt.regions) {
    const auto num_frames = static_cast<std::int64_t>(region.frame_idxs.size());
    const Shape expected{num_frames, frame_size[0], frame_size[1]};
    if (num_frames < 1) {
      fail(ErrorCode::kInvalidInput, "region: frame_idxs: expected one or more, got none");
    }
    if (region.masks.dtype() != DType::kBool || region.masks.shape() != expected) {
      fail(ErrorCode::kInvalidInput, "region: masks: expected bool ", shape_string(expected),
           " (its frames, the clip's size), got ", dtype_name(region.masks.dtype()), " ",
           shape_string(region.masks.shape()));
    }
  }
}

std::vector<Tensor> Session::State::encode_regions(const Prompt& prompt) {
  std::vector<Tensor> tokens;
  if (prompt.regions.empty()) {
    return tokens;
  }
  check_regions(prompt);
  const FrameEncoder::FeaturesByIdx features =
      frame_encoder.encode_region_frames(prompt, timings, [this] { return is_cancelled(); });
  const RegionEncoder& encoder = model->region_encoder();
  for (const RegionPrompt& region : prompt.regions) {
    if (is_cancelled()) {
      break;
    }
    std::vector<Tensor> rows;
    for (const std::int64_t idx : region.frame_idxs) {
      rows.push_back(features.at(idx));
    }
    tokens.push_back(timed(timings, encoder.stem(), 1,
                           [&] { return encoder.encode(concatenated(rows), region.masks); }));
  }
  return tokens;
}

}  // namespace ufvideo
