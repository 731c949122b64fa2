#include "session/clip_features.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/error_message.h"
#include "base/stage_clock.h"
#include "session/saved_clip.h"
#include "tensor/device_memory.h"

namespace ufvideo {
namespace {

void check_frame_size(const Tensor& frames, const Shape& size, const char* where) {
  if (frames.dim(1) != size[0] || frames.dim(2) != size[1]) {
    fail(ErrorCode::kInvalidInput, where, ": expected the clip's frame size ", shape_string(size),
         ", got ", shape_string({frames.dim(1), frames.dim(2)}));
  }
}

/// Throws InvalidInput unless a clip may have so many frames, InvalidPackage where the aligner
/// makes video tokens of whole clips of num_frames only.
void check_num_frames(const VideoConfig& video, std::size_t count, bool is_image,
                      const char* where) {
  const auto most = static_cast<std::size_t>(video.num_frames);
  if (is_image && count != 1) {
    fail(ErrorCode::kInvalidInput, where, ": expected 1 for an image, got ", count);
  }
  if (is_image || count == most) {
    return;
  }
  if (count < 2 || count > most) {
    fail(ErrorCode::kInvalidInput, where, ": expected 2 to ", most,
         " (the model's num_frames), got ", count);
  }
  if (video.aligner_padding != 0) {
    fail(ErrorCode::kInvalidPackage, "manifest.json: video.aligner_padding: expected 0, so that a ",
         "pair of frames is aligned by itself, for a clip of ", count, " frames, got ",
         video.aligner_padding, ": this model looks at exactly ", most);
  }
}

std::vector<std::int64_t> ids_of(const StreamWindow& window) {
  std::vector<std::int64_t> ids;
  for (const auto& pair : window.pairs) {
    ids.push_back(pair->first_idx);
  }
  return ids;
}

/// Each index once, in the order of first mention.
std::vector<std::int64_t> distinct(const std::vector<std::int64_t>& idxs) {
  std::vector<std::int64_t> once;
  std::unordered_set<std::int64_t> seen;
  for (const std::int64_t idx : idxs) {
    if (seen.insert(idx).second) {
      once.push_back(idx);
    }
  }
  return once;
}

}  // namespace

ClipFeatures::ClipFeatures(const Model& model, CallContext& call,
                           std::shared_ptr<FeatureStore> store)
    : model_(model),
      call_(call),
      shares_store_(store != nullptr),
      store_(store ? std::move(store) : std::make_shared<FeatureStore>(model)),
      frame_encoder_(model, store_),
      tokens_lease_(model.memory_budget(), MemoryKind::kClipFeatures) {}

ClipFeatures::~ClipFeatures() {
  if (!shares_store_) {
    // Else the clip's features would be kept in place of those that other sessions may still need.
    store_->clear();
  }
}

void ClipFeatures::begin(const std::vector<std::int64_t>& frame_idxs, bool is_image) {
  check_num_frames(model_.manifest().video, frame_idxs.size(), is_image, "clip: frames");
  video_tokens_ = Tensor();
  tokens_lease_.shrink_to(0);
  if (!shares_store_) {
    store_->clear();
  }
  frame_encoder_.begin_clip(distinct(frame_idxs));
  frame_size_ = store_->frame_size();
  is_image_ = is_image;
  frame_idxs_ = frame_idxs;
  pair_ids_.clear();
  num_dropped_next_.reset();
}

bool ClipFeatures::looks_at(const StreamWindow& window) const {
  return !window.pairs.empty() && ids_of(window) == pair_ids_ && window.store == store_;
}

void ClipFeatures::look_at(const StreamWindow& window) {
  if (window.store != store_) {
    fail(ErrorCode::kInvalidInput,
         "look_at: expected a window of the stream whose feature store the session shares, got "
         "another stream's");
  }
  if (window.pairs.empty()) {
    fail(ErrorCode::kInvalidState,
         "stream: expected two frames or more to look at, got fewer: push frames first");
  }
  std::vector<Tensor> tokens;
  for (const auto& pair : window.pairs) {
    tokens.push_back(pair->video_tokens);
  }
  set_video_tokens(concatenated(tokens));
  frame_idxs_ = window.frame_idxs();
  frame_encoder_.begin_clip(frame_idxs_);
  // Those of the window before were held until now, and nobody asks about them again.
  store_->drop_before(frame_idxs_.front());
  pair_ids_ = ids_of(window);
  num_dropped_next_ = window.num_dropped_next;
  frame_size_ = window.frame_size;
  is_image_ = false;
}

std::optional<PromptMedia> ClipFeatures::next_media() const {
  if (!num_dropped_next_ || pair_ids_.size() <= *num_dropped_next_) {
    return std::nullopt;
  }
  const auto num_dropped = static_cast<std::int64_t>(*num_dropped_next_);
  const auto per_pair = video_tokens_.dim(0) / static_cast<std::int64_t>(pair_ids_.size());
  return PromptMedia{false,
                     video_tokens_.rows(num_dropped * per_pair, video_tokens_.dim(0)),
                     {},
                     {pair_ids_.begin() + num_dropped, pair_ids_.end()}};
}

void ClipFeatures::forget_regions() {
  if (!shares_store_) {
    store_->forget_unpinned_vision();
  }
}

void ClipFeatures::set_video_tokens(Tensor video_tokens) {
  const std::size_t bytes = video_tokens.bytes();
  tokens_lease_.shrink_to(std::min(bytes, tokens_lease_.bytes()));
  tokens_lease_.grow(bytes - tokens_lease_.bytes(),
                     {"clip", "for its video tokens", "open a shorter clip"});
  video_tokens_ = std::move(video_tokens);
}

void ClipFeatures::require_begun() const {
  if (frame_idxs_.empty() || !video_tokens_.empty()) {
    fail(ErrorCode::kInvalidState, "clip: expected one being opened, none is; call begin_clip");
  }
}

void ClipFeatures::add(const Tensor& frames, const std::vector<std::int64_t>& frame_idxs) {
  require_begun();
  check_frames(frames, frame_idxs, "clip");
  for (const std::int64_t idx : frame_idxs) {
    if (std::find(frame_idxs_.begin(), frame_idxs_.end(), idx) == frame_idxs_.end()) {
      fail(ErrorCode::kInvalidInput, "clip: frame_idxs: expected indices given to begin_clip, got ",
           idx);
    }
  }
  if (frame_size_.empty()) {
    frame_size_ = {frames.dim(1), frames.dim(2)};
    store_->set_frame_size(frame_size_);
  }
  check_frame_size(frames, frame_size_, "clip: frames");
  const auto num_distinct = static_cast<std::int64_t>(distinct(frame_idxs_).size());
  const auto report_encoded = [&] {
    call_.report(static_cast<std::int64_t>(frame_encoder_.num_clip_frames()), num_distinct);
  };
  report_encoded();
  frame_encoder_.encode_clip(frames, frame_idxs, call_.timings(), report_encoded);
}

void ClipFeatures::finish() {
  require_begun();
  for (const std::int64_t idx : frame_idxs_) {
    if (!frame_encoder_.in_clip(idx)) {
      fail(ErrorCode::kInvalidInput, "clip: expected every frame of it, frame ", idx,
           " was not given to add_frames");
    }
  }
  set_video_tokens(frame_encoder_.align(frame_idxs_, is_image_, call_.timings()));
}

void ClipFeatures::check_saved(const SavedClip& saved) const {
  const Manifest& manifest = model_.manifest();
  const VideoConfig& video = manifest.video;
  const std::size_t count = saved.frame_idxs.size();
  check_num_frames(video, count, saved.is_image, "saved clip: frame_idxs");
  // An image stands for all of the aligner's frames.
  const std::int64_t num_aligned =
      saved.is_image ? video.num_frames : static_cast<std::int64_t>(count);
  if (saved.height_px < 1 || saved.width_px < 1) {
    fail(ErrorCode::kInvalidInput, "saved clip: expected a frame of 1 x 1 px or more, got ",
         saved.height_px, " x ", saved.width_px);
  }
  const std::int64_t num_patches = std::int64_t{video.patch_grid} * video.patch_grid;
  const auto num_distinct = static_cast<std::int64_t>(distinct(saved.frame_idxs).size());
  check_saved_tensor("features", saved.features, DType::kFloat32,
                     {num_distinct, num_patches, manifest.model.vision_hidden_size});
  check_saved_tensor("video_tokens", saved.video_tokens, DType::kFloat32,
                     {num_video_tokens(video, num_aligned), manifest.model.hidden_size});
}

void ClipFeatures::restore(const SavedClip& saved) {
  frame_encoder_.restore_clip(saved.features, distinct(saved.frame_idxs));
  frame_size_ = {saved.height_px, saved.width_px};
  store_->set_frame_size(frame_size_);
  set_video_tokens(copied(saved.video_tokens));
}

void ClipFeatures::save_to(SavedClip& saved) const {
  for (const std::int64_t idx : frame_idxs_) {
    if (!frame_encoder_.in_clip(idx)) {
      fail(ErrorCode::kInvalidState, "save: expected the features of every frame, those of frame ",
           idx, " have left the stream's window");
    }
  }
  saved.is_image = is_image_;
  saved.frame_idxs = frame_idxs_;
  saved.height_px = frame_size_[0];
  saved.width_px = frame_size_[1];
  saved.features = frame_encoder_.clip_features(distinct(frame_idxs_));
  saved.video_tokens = copied(video_tokens_.on_host());
}

void ClipFeatures::require_open(const char* where) const {
  if (video_tokens_.empty()) {
    fail(ErrorCode::kInvalidState, where, ": expected an open clip, none is; call open_clip first");
  }
}

std::vector<std::int64_t> ClipFeatures::missing(const std::vector<std::int64_t>& frame_idxs) const {
  std::vector<std::int64_t> missing = distinct(frame_idxs);
  missing.erase(std::remove_if(missing.begin(), missing.end(),
                               [&](std::int64_t idx) { return frame_encoder_.holds(idx); }),
                missing.end());
  return missing;
}

void ClipFeatures::check_regions(const Prompt& prompt) const {
  if (!prompt.region_frame_idxs.empty() || !prompt.region_frames.empty()) {
    check_frames(prompt.region_frames, prompt.region_frame_idxs, "prompt: region_frames");
    check_frame_size(prompt.region_frames, frame_size_, "prompt: region_frames");
  }
  for (const RegionPrompt& region : prompt.regions) {
    const auto num_frames = static_cast<std::int64_t>(region.frame_idxs.size());
    const Shape expected{num_frames, frame_size_[0], frame_size_[1]};
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

std::vector<Tensor> ClipFeatures::encode_regions(const Prompt& prompt) {
  std::vector<Tensor> tokens;
  if (prompt.regions.empty()) {
    return tokens;
  }
  check_regions(prompt);
  const FrameEncoder::FeaturesByIdx features = frame_encoder_.encode_region_frames(
      prompt, call_.timings(), [this] { return call_.is_cancelled(); });
  const RegionEncoder& encoder = model_.region_encoder();
  for (const RegionPrompt& region : prompt.regions) {
    if (call_.is_cancelled()) {
      break;
    }
    std::vector<Tensor> rows;
    for (const std::int64_t idx : region.frame_idxs) {
      rows.push_back(*features.at(idx));
    }
    tokens.push_back(timed(call_.timings(), encoder.stem(), 1,
                           [&] { return encoder.encode(concatenated(rows), region.masks); }));
  }
  return tokens;
}

}  // namespace ufvideo
