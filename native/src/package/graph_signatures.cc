#include "package/graph_signatures.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "package/manifest_fields.h"
#include "package/tensor_check.h"

namespace ufvideo {
namespace {

using Dimension = std::variant<std::int64_t, std::string>;
using Tensors = std::vector<TensorSpec>;
using Signatures = std::map<std::string, GraphSignature>;

std::string text_of(const TensorSpec& tensor) {
  return printable(tensor.name + " " + tensor.dtype + " " + spec_shape_string(tensor));
}

TensorSpec float32(std::string name, std::vector<Dimension> shape) {
  return {std::move(name), "float32", std::move(shape)};
}

TensorSpec frames(const char* count, std::int64_t side) {
  return {"frames", "uint8", {std::string(count), side, side, std::int64_t{3}}};
}

void add_feature_stages(const ModelConfig& model, const VideoConfig& video,
                        Signatures& signatures) {
  const std::int64_t width = model.hidden_size;
  const std::int64_t vision_width = model.vision_hidden_size;
  const std::int64_t num_patches = std::int64_t{video.patch_grid} * video.patch_grid;
  const TensorSpec features = float32("features", {"T", num_patches, vision_width});
  signatures["vision_encoder"] = {{frames("T", video.vision_size_px)}, {features}};
  signatures["aligner"] = {{features}, {float32("video_tokens", {"N", width})}};
  signatures["region_encoder"] = {{float32("pooled_features", {"R", vision_width})},
                                  {float32("region_tokens", {"R", width})}};
  signatures["token_embedder"] = {{{"token_ids", "int64", {"S"}}},
                                  {float32("embeddings", {"S", width})}};
}

void add_cache(Tensors& tensors, const std::string& prefix, const ModelConfig& model,
               const std::string& dtype) {
  const std::vector<Dimension> shape{"B", std::int64_t{model.num_key_value_heads}, "C",
                                     std::int64_t{model.head_dim}};
  for (int layer = 0; layer < model.num_layers; ++layer) {
    for (const char* part : {".key", ".value"}) {
      tensors.push_back({prefix + "." + std::to_string(layer) + part, dtype, shape});
    }
  }
}

void add_language_model(const ModelConfig& model, const std::string& cache_dtype,
                        Signatures& signatures) {
  const std::int64_t width = model.hidden_size;
  GraphSignature signature{
      {float32("inputs_embeds", {"B", "S", width}),
       {"seqlens_k", "int32", {"B"}},
       {"total_sequence_length", "int32", {std::int64_t{1}}}},
      {float32("logits", {"B", std::int64_t{1}, std::int64_t{model.vocab_size}}),
       float32("hidden_states", {"B", "S", width})}};
  add_cache(signature.inputs, "past_key_values", model, cache_dtype);
  add_cache(signature.outputs, "present", model, cache_dtype);
  signatures["language_model"] = std::move(signature);
}

/// Sizes of SAM 2's maps: `width` channels of `grid` x `grid`.
struct MaskSizes {
  std::int64_t width;
  std::int64_t grid;
};

Tensors mask_maps(const Dimension& num_frames, const MaskSizes& sizes) {
  const auto [width, grid] = sizes;
  return {float32("image_features", {num_frames, width, grid, grid}),
          float32("high_res_features_0", {num_frames, width / 8, 4 * grid, 4 * grid}),
          float32("high_res_features_1", {num_frames, width / 4, 2 * grid, 2 * grid})};
}

void add_mask_stages(const ModelConfig& model, const VideoConfig& video, const MaskSizes& sizes,
                     Signatures& signatures) {
  const std::int64_t side = video.mask_logits_size_px;
  Tensors decoder_inputs = mask_maps(std::int64_t{1}, sizes);
  decoder_inputs.insert(decoder_inputs.begin(),
                        float32("hidden_states", {"O", std::int64_t{model.hidden_size}}));
  signatures["mask_encoder"] = {{frames("F", video.mask_size_px)}, mask_maps("F", sizes)};
  signatures["mask_decoder"] = {
      std::move(decoder_inputs),
      {float32("mask_logits", {"O", side, side}), float32("iou_scores", {"O", std::int64_t{3}}),
       float32("object_scores", {"O", std::int64_t{1}}),
       float32("object_pointers", {"O", sizes.width})}};
}

void add_tracking_stages(const TrackingConfig& tracking, const MaskSizes& sizes,
                         Signatures& signatures) {
  const auto [width, grid] = sizes;
  const std::int64_t side = 4 * grid;
  const std::int64_t one = 1;
  const std::int64_t candidates = 3;
  const std::int64_t memory_width = tracking.memory_width;
  Tensors maps = mask_maps(one, sizes);
  const TensorSpec conditioned = float32("conditioned_features", {"O", width, grid, grid});
  signatures["memory_encoder"] = {{maps[0], float32("mask_logits", {"O", side, side})},
                                  {float32("memory_features", {"O", memory_width, grid, grid})}};
  signatures["memory_attention"] = {
      {maps[0],
       float32("memory_features", {"O", "K", memory_width, grid, grid}),
       {"memory_ages", "int64", {"O", "K"}},
       float32("object_pointers", {"O", "Q", width})},
      {conditioned}};
  signatures["track_decoder"] = {
      {conditioned, maps[1], maps[2]},
      {float32("mask_logits", {"O", candidates, side, side}),
       float32("iou_scores", {"O", candidates}), float32("object_scores", {"O", one}),
       float32("object_pointers", {"O", candidates, width})}};
}

/// In fp32 and fp16 the cache has the language model's own floats; integer weights leave open what
/// is computed between them, so that its inputs say it.
std::string cache_dtype(const StageEntry& language_model) {
  if (language_model.precision == "fp32" || language_model.precision == "fp16") {
    return language_model.precision == "fp16" ? "float16" : "float32";
  }
  const auto is_half_cache = [](const TensorSpec& input) {
    return input.name == "past_key_values.0.key" && input.dtype == "float16";
  };
  const Tensors& inputs = language_model.inputs;
  return std::any_of(inputs.begin(), inputs.end(), is_half_cache) ? "float16" : "float32";
}

/// Channels of SAM 2's features, the one size that only a signature says; 8 without masks.
std::int64_t mask_width(const JsonValue& stages, const Manifest& manifest) {
  if (!manifest.can("segment")) {
    return 8;
  }
  const TensorSpec& image_features = manifest.stages.at("mask_encoder").outputs.front();
  const auto* width = image_features.shape.size() == 4
                          ? std::get_if<std::int64_t>(&image_features.shape[1])
                          : nullptr;
  if (width == nullptr || *width % 8 != 0 || *width > kMaxWidth) {
    stages.member("mask_encoder")
        .member("outputs")
        .items(1, SIZE_MAX)
        .front()
        .refuse("expected image_features float32 [F, C, h, w] with C a multiple of 8 of at most ",
                kMaxWidth, ", got ", text_of(image_features));
  }
  return *width;
}

void check_side(const JsonValue& side, const Tensors& expected, const Tensors& given) {
  const std::vector<JsonValue> items = side.items(0, SIZE_MAX);
  for (std::size_t i = 0; i < std::min(expected.size(), given.size()); ++i) {
    const bool fits = given[i].name == expected[i].name && given[i].dtype == expected[i].dtype &&
                      given[i].shape == expected[i].shape;
    if (!fits) {
      items[i].refuse("expected ", text_of(expected[i]), ", got ", text_of(given[i]));
    }
  }
  if (given.size() < expected.size()) {
    side.refuse("expected ", text_of(expected[given.size()]), " too, got ", given.size(),
                " tensors");
  }
  if (given.size() > expected.size()) {
    items[expected.size()].refuse("expected no more tensors, got ",
                                  text_of(given[expected.size()]));
  }
}

}  // namespace

std::map<std::string, GraphSignature> graph_signatures(
    const ModelConfig& model, const VideoConfig& video,
    const std::optional<TrackingConfig>& tracking, std::int64_t mask_width,
    const std::string& cache_dtype) {
  const MaskSizes sizes{mask_width, video.mask_logits_size_px / 4};
  Signatures signatures;
  add_feature_stages(model, video, signatures);
  add_language_model(model, cache_dtype, signatures);
  add_mask_stages(model, video, sizes, signatures);
  if (tracking) {
    add_tracking_stages(*tracking, sizes, signatures);
  }
  return signatures;
}

void check_signatures(const JsonValue& stages, const Manifest& manifest) {
  const std::int64_t width = mask_width(stages, manifest);
  if (manifest.tracking && width % manifest.tracking->memory_width != 0) {
    stages.member("memory_encoder")
        .refuse("expected a tracking.memory_width that divides the ", width,
                " channels of an object pointer, got ", manifest.tracking->memory_width);
  }
  const Signatures expected =
      graph_signatures(manifest.model, manifest.video, manifest.tracking, width,
                       cache_dtype(manifest.stages.at("language_model")));
  for (const std::string& stem : stage_stems()) {
    const auto entry = manifest.stages.find(stem);
    if (entry != manifest.stages.end()) {
      const JsonValue stage = stages.member(stem);
      check_side(stage.member("inputs"), expected.at(stem).inputs, entry->second.inputs);
      check_side(stage.member("outputs"), expected.at(stem).outputs, entry->second.outputs);
    }
  }
}

}  // namespace ufvideo
