#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "base/error_message.h"
#include "session/session_state.h"
#include "tensor/device_memory.h"

namespace ufvideo {
namespace {

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

void check_tensor(const char* name, const Tensor& tensor, DType dtype, const Shape& shape) {
  if (tensor.dtype() != dtype || tensor.shape() != shape) {
    fail(ErrorCode::kInvalidInput, "saved clip: ", name, ": expected ", dtype_name(dtype), " ",
         shape_string(shape), ", got ", dtype_name(tensor.dtype()), " ",
         shape_string(tensor.shape()));
  }
}

void check_frame_idxs(const SavedClip& saved, int num_frames) {
  const auto count = static_cast<int>(saved.frame_idxs.size());
  if (count != num_frames) {
    fail(ErrorCode::kInvalidInput, "saved clip: frame_idxs: expected ", num_frames, ", got ",
         count);
  }
  if (saved.height_px < 1 || saved.width_px < 1) {
    fail(ErrorCode::kInvalidInput, "saved clip: expected a frame of 1 x 1 px or more, got ",
         saved.height_px, " x ", saved.width_px);
  }
}

void check_prefix_ids(const SavedClip& saved, const Manifest& manifest) {
  const TokenFacts& tokens = manifest.tokens;
  const std::int64_t media =
      saved.is_image ? tokens.image_placeholder_id : tokens.video_placeholder_id;
  const std::vector<std::int64_t>& ids = saved.prefix_ids;
  if (ids.empty() || ids.back() != media) {
    fail(ErrorCode::kInvalidInput, "saved clip: prefix_ids: expected ", media,
         " (the clip's placeholder) at their end, got ",
         ids.empty() ? "none" : std::to_string(ids.back()));
  }
  for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= manifest.model.vocab_size || ids[i] == tokens.region_id) {
      fail(ErrorCode::kInvalidInput, "saved clip: prefix_ids[", i,
           "]: expected a word of the vocabulary, 0 to ", manifest.model.vocab_size - 1, ", got ",
           ids[i]);
    }
  }
}

/// A layer's keys or values, [1, kv, n, head], of all layers' [L, kv, n, head].
Tensor layer_of(const Tensor& all, int layer) { return all.rows(layer, layer + 1); }

}  // namespace

std::optional<SavedClip> Session::save_clip(const std::vector<std::int64_t>& prefix_ids,
                                            const CallOptions& options) {
  const Entry entry(*state_, &options);
  State& state = *state_;
  state.require_no_answer();
  state.require_clip("save");
  SavedClip saved;
  saved.is_image = state.is_image;
  saved.frame_idxs = state.clip_idxs;
  saved.height_px = state.frame_size[0];
  saved.width_px = state.frame_size[1];
  saved.prefix_ids = prefix_ids;
  check_prefix_ids(saved, state.model->manifest());
  const bool is_held = state.held.num_shared(prefix_ids, {}) == prefix_ids.size();
  const auto no_states = [](const PromptLayout&) { return std::vector<std::int64_t>{}; };
  if (!is_held && !state.prefill({prefix_ids, {}, {}, {}, nullptr}, no_states)) {
    return std::nullopt;
  }
  saved.features = state.frame_encoder.clip_features(distinct(state.clip_idxs));
  saved.video_tokens = copied(state.video_tokens.on_host());
  const KvCache& cache = *state.cache;
  const KvCacheSizes& sizes = *cache.sizes();
  const std::int64_t num_positions =
      static_cast<std::int64_t>(prefix_ids.size()) - 1 + state.video_tokens.dim(0);
  const Shape shape{sizes.num_layers, sizes.num_key_value_heads, num_positions, sizes.head_dim};
  saved.keys = Tensor(sizes.dtype, shape);
  saved.values = Tensor(sizes.dtype, shape);
  for (int layer = 0; layer < sizes.num_layers; ++layer) {
    copy_positions(cache.keys(layer), 0, layer_of(saved.keys, layer), 0, num_positions);
    copy_positions(cache.values(layer), 0, layer_of(saved.values, layer), 0, num_positions);
  }
  return saved;
}

void Session::State::check_saved(const SavedClip& saved) const {
  const Manifest& manifest = model->manifest();
  const int num_frames = manifest.video.num_frames;
  check_frame_idxs(saved, saved.is_image ? 1 : num_frames);
  check_prefix_ids(saved, manifest);
  const std::int64_t num_patches =
      std::int64_t{manifest.video.patch_grid} * manifest.video.patch_grid;
  const auto num_distinct = static_cast<std::int64_t>(distinct(saved.frame_idxs).size());
  const std::int64_t num_tokens = num_video_tokens(manifest.video, num_frames);
  check_tensor("features", saved.features, DType::kFloat32,
               {num_distinct, num_patches, manifest.model.vision_hidden_size});
  check_tensor("video_tokens", saved.video_tokens, DType::kFloat32,
               {num_tokens, manifest.model.hidden_size});
  const KvCacheSizes& sizes = *cache->sizes();
  const std::int64_t positions =
      static_cast<std::int64_t>(saved.prefix_ids.size()) - 1 + num_tokens;
  const Shape shape{sizes.num_layers, sizes.num_key_value_heads, positions, sizes.head_dim};
  check_tensor("keys", saved.keys, sizes.dtype, shape);
  check_tensor("values", saved.values, sizes.dtype, shape);
  if (positions > sizes.max_positions) {
    fail(ErrorCode::kInvalidInput, "saved clip: prefix_ids: expected at most ", sizes.max_positions,
         " positions (the model's context), got ", positions);
  }
}

void Session::State::restore_clip(const SavedClip& saved) {
  require_no_answer();
  check_saved(saved);
  begin_clip(saved.frame_idxs, saved.is_image);
  const std::int64_t num_positions = saved.keys.dim(2);
  cache->reserve_total(num_positions);
  for (int layer = 0; layer < cache->sizes()->num_layers; ++layer) {
    copy_positions(layer_of(saved.keys, layer), 0, cache->keys(layer), 0, num_positions);
    copy_positions(layer_of(saved.values, layer), 0, cache->values(layer), 0, num_positions);
  }
  cache->advance(num_positions);
  held.hold(saved.prefix_ids, {});
  frame_encoder.restore_clip(saved.features, distinct(saved.frame_idxs));
  frame_size = {saved.height_px, saved.width_px};
  video_tokens = copied(saved.video_tokens);
}

void Session::restore_clip(const SavedClip& saved) {
  const Entry entry(*state_);
  state_->restore_clip(saved);
}

}  // namespace ufvideo
