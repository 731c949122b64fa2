#include "package/graph_signatures.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "package/tensor_check.h"

namespace ufvideo {
namespace {

using Dimension = std::variant<std::int64_t, std::string>;
using Tensors = std::vector<TensorSpec>;

constexpr std::int64_t kMaxWidth = 65536;

struct Border {
  std::string stem;
  Tensors inputs;
  Tensors outputs;
};

std::string text_of(const TensorSpec& tensor) {
  return tensor.name + " " + tensor.dtype + " " + spec_shape_string(tensor);
}

TensorSpec real(std::string name, std::vector<Dimension> shape) {
  return {std::move(name), "float32", std::move(shape)};
}

TensorSpec frames(const char* count, std::int64_t side) {
  return {"frames", "uint8", {std::string(count), side, side, std::int64_t{3}}};
}

std::vector<Border> feature_borders(const ModelFacts& model, const VideoFacts& video) {
  const std::int64_t width = model.hidden_size;
  const std::int64_t vision_width = model.vision_hidden_size;
  const std::int64_t num_patches = std::int64_t{video.patch_grid} * video.patch_grid;
  const TensorSpec features = real("features", {"T", num_patches, vision_width});
  return {{"vision_encoder", {frames("T", video.vision_size_px)}, {features}},
          {"aligner", {features}, {real("video_tokens", {"N", width})}},
          {"region_encoder",
           {real("pooled_features", {"R", vision_width})},
           {real("region_tokens", {"R", width})}},
          {"token_embedder", {{"token_ids", "int64", {"S"}}}, {real("embeddings", {"S", width})}}};
}

void add_cache(Tensors& tensors, const std::string& prefix, const ModelFacts& model,
               const std::string& dtype) {
  const std::vector<Dimension> shape{"B", std::int64_t{model.num_key_value_heads}, "C",
                                     std::int64_t{model.head_dim}};
  for (int layer = 0; layer < model.num_layers; ++layer) {
    for (const char* part : {".key", ".value"}) {
      tensors.push_back({prefix + "." + std::to_string(layer) + part, dtype, shape});
    }
  }
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

Border language_model_border(const ModelFacts& model, const std::string& cache_dtype) {
  const std::int64_t width = model.hidden_size;
  Border border{"language_model",
                {real("inputs_embeds", {"B", "S", width}),
                 {"seqlens_k", "int32", {"B"}},
                 {"total_sequence_length", "int32", {std::int64_t{1}}}},
                {real("logits", {"B", std::int64_t{1}, std::int64_t{model.vocab_size}}),
                 real("hidden_states", {"B", "S", width})}};
  add_cache(border.inputs, "past_key_values", model, cache_dtype);
  add_cache(border.outputs, "present", model, cache_dtype);
  return border;
}

/// Channels of SAM 2's features, the one size that no fact says; 0 where it is not to be had.
std::int64_t mask_width(const TensorSpec& image_features) {
  if (image_features.shape.size() != 4) {
    return 0;
  }
  const auto* width = std::get_if<std::int64_t>(&image_features.shape[1]);
  return width != nullptr && *width % 8 == 0 && *width <= kMaxWidth ? *width : 0;
}

Tensors mask_maps(const Dimension& num_frames, std::int64_t width, std::int64_t grid) {
  return {real("image_features", {num_frames, width, grid, grid}),
          real("high_res_features_0", {num_frames, width / 8, 4 * grid, 4 * grid}),
          real("high_res_features_1", {num_frames, width / 4, 2 * grid, 2 * grid})};
}

std::vector<Border> mask_borders(const Manifest& manifest, std::int64_t width) {
  const std::int64_t side = manifest.video.mask_logits_size_px;
  Tensors decoder_inputs = mask_maps(std::int64_t{1}, width, side / 4);
  decoder_inputs.insert(decoder_inputs.begin(),
                        real("hidden_states", {"O", std::int64_t{manifest.model.hidden_size}}));
  return {
      {"mask_encoder", {frames("F", manifest.video.mask_size_px)}, mask_maps("F", width, side / 4)},
      {"mask_decoder",
       std::move(decoder_inputs),
       {real("mask_logits", {"O", side, side}), real("iou_scores", {"O", std::int64_t{3}}),
        real("object_scores", {"O", std::int64_t{1}}), real("object_pointers", {"O", width})}}};
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

void check_borders(const JsonValue& stages, const Manifest& manifest) {
  const TensorSpec& image_features = manifest.stages.at("mask_encoder").outputs.front();
  const std::int64_t width = mask_width(image_features);
  if (width == 0) {
    stages.member("mask_encoder")
        .member("outputs")
        .items(1, SIZE_MAX)
        .front()
        .refuse("expected image_features float32 [F, C, h, w] with C a multiple of 8 of at most ",
                kMaxWidth, ", got ", text_of(image_features));
  }
  std::vector<Border> borders = feature_borders(manifest.model, manifest.video);
  borders.push_back(
      language_model_border(manifest.model, cache_dtype(manifest.stages.at("language_model"))));
  for (Border& border : mask_borders(manifest, width)) {
    borders.push_back(std::move(border));
  }
  for (const Border& border : borders) {
    const StageEntry& entry = manifest.stages.at(border.stem);
    const JsonValue stage = stages.member(border.stem);
    check_side(stage.member("inputs"), border.inputs, entry.inputs);
    check_side(stage.member("outputs"), border.outputs, entry.outputs);
  }
}

}  // namespace ufvideo
