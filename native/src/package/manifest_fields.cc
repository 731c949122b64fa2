#include "package/manifest_fields.h"

#include <algorithm>

namespace ufvideo {
namespace {

constexpr std::size_t kMaxDimensions = 8;

const std::vector<std::string>& dtypes() {
  static const std::vector<std::string> names{"uint8", "bool",    "int32",
                                              "int64", "float16", "float32"};
  return names;
}

/// Refuses an id that means two things: each of these has ids of its own.
void check_apart(const JsonValue& value, const TokenConfig& tokens) {
  struct Claim {
    std::string name;
    std::int64_t first;
    std::int64_t last;
  };
  std::vector<Claim> claims;
  const auto claim = [&](const JsonValue& key, const std::string& name, std::int64_t first,
                         std::int64_t count) {
    for (const Claim& other : claims) {
      if (first <= other.last && other.first < first + count) {
        key.refuse("expected ids of its own, got ", first, count == 1 ? "" : " and those after it",
                   ", which ", other.name, " has");
      }
    }
    claims.push_back({name, first, first + count - 1});
  };
  const std::vector<JsonValue> ends = value.member("end_ids").items(1, SIZE_MAX);
  for (std::size_t i = 0; i < ends.size(); ++i) {
    claim(ends[i], "end_ids[" + std::to_string(i) + "]", tokens.end_ids[i], 1);
  }
  claim(value.member("region_id"), "region_id", tokens.region_id, 1);
  claim(value.member("time_first_id"), "time_first_id", tokens.time_first_id,
        tokens.num_time_tokens);
  claim(value.member("seg_id"), "seg_id", tokens.seg_id, 1);
}

void check_relative_path(const JsonValue& value, const std::string& path) {
  const bool bad = path.front() == '/' || path.find('\\') != std::string::npos ||
                   path.find('\0') != std::string::npos || path.back() == '/';
  if (bad) {
    value.refuse("expected a relative path inside the package, got \"", printable(path), "\"");
  }
  std::size_t begin = 0;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") {
      value.refuse("expected a path without empty parts, \".\" and \"..\", got \"", printable(path),
                   "\"");
    }
    begin = end + 1;
  }
}

std::vector<TensorSpec> read_tensors(const JsonValue& value, std::size_t limit) {
  std::vector<TensorSpec> tensors;
  for (const JsonValue& item : value.items(1, limit)) {
    tensors.push_back(read_tensor(item));
  }
  return tensors;
}

std::optional<FileEntry> read_weights(const JsonValue& value) {
  return value.is_null() ? std::nullopt : std::optional(read_file(value, INT64_MAX));
}

std::map<std::string, StageVariant> read_variants(const JsonValue& value) {
  const std::vector<std::string>& providers = provider_names();
  std::map<std::string, StageVariant> variants;
  for (const std::string& provider : value.keys(providers.size())) {
    const JsonValue variant = value.member(provider);
    if (std::find(providers.begin(), providers.end(), provider) == providers.end()) {
      variant.refuse("expected a key among ", joined(providers));
    }
    variants.emplace(provider, read_variant(variant));
  }
  return variants;
}

}  // namespace

std::size_t max_tensors(int num_layers) {
  constexpr std::size_t kMaxOthers = 64;
  return kMaxOthers + 2 * static_cast<std::size_t>(num_layers);
}

ModelConfig read_model(const JsonValue& value) {
  value.require_keys({"name", "architecture", "hidden_size", "num_layers", "num_attention_heads",
                      "num_key_value_heads", "head_dim", "vocab_size", "max_position_embeddings",
                      "vision_hidden_size", "max_region_tokens", "seg_hidden_state"});
  ModelConfig model;
  model.name = value.member("name").text(1, kMaxName);
  model.architecture = value.member("architecture").text(1, kMaxName);
  model.hidden_size = value.member("hidden_size").count(1, kMaxWidth);
  model.num_layers = value.member("num_layers").count(1, kMaxLayers);
  model.num_attention_heads = value.member("num_attention_heads").count(1, 1024);
  model.num_key_value_heads = value.member("num_key_value_heads").count(1, 1024);
  if (model.num_attention_heads % model.num_key_value_heads != 0) {
    value.member("num_attention_heads")
        .refuse("expected a multiple of num_key_value_heads ", model.num_key_value_heads, ", got ",
                model.num_attention_heads);
  }
  model.head_dim = value.member("head_dim").count(1, 1024);
  model.vocab_size = value.member("vocab_size").count(1, kMaxVocabulary);
  model.max_position_embeddings = value.member("max_position_embeddings").count(1, 16777216);
  model.vision_hidden_size = value.member("vision_hidden_size").count(1, kMaxWidth);
  model.max_region_tokens = value.member("max_region_tokens").count(1, 64);
  const std::string state = value.member("seg_hidden_state").one_of(seg_hidden_states());
  model.seg_hidden_state =
      state == "preceding" ? SegHiddenState::kPreceding : SegHiddenState::kPredicting;
  return model;
}

VideoConfig read_video(const JsonValue& value) {
  value.require_keys({"num_frames", "vision_size_px", "patch_grid", "aligner_padding",
                      "mask_size_px", "mask_logits_size_px"});
  VideoConfig video;
  video.num_frames = value.member("num_frames").count(2, 4096);
  video.vision_size_px = value.member("vision_size_px").count(1, 8192);
  video.patch_grid = value.member("patch_grid").count(1, 1024);
  video.aligner_padding = value.member("aligner_padding").count(0, 1);
  video.mask_size_px = value.member("mask_size_px").count(1, 8192);
  video.mask_logits_size_px = value.member("mask_logits_size_px").count(4, 8192);
  if (video.aligner_padding == 0 && video.patch_grid < 2) {
    value.member("patch_grid")
        .refuse("expected 2 or more with aligner_padding 0 (fewer patches give no video token), ",
                "got ", video.patch_grid);
  }
  if (video.mask_logits_size_px % 4 != 0) {
    value.member("mask_logits_size_px")
        .refuse("expected a multiple of 4 (its features are a quarter), got ",
                video.mask_logits_size_px);
  }
  return video;
}

TokenConfig read_tokens(const JsonValue& value, std::int64_t vocab_size) {
  value.require_keys({"end_ids", "video_placeholder_id", "image_placeholder_id", "region_id",
                      "time_first_id", "num_time_tokens", "seg_id"});
  TokenConfig tokens;
  for (const JsonValue& id : value.member("end_ids").items(1, 16)) {
    tokens.end_ids.push_back(id.integer(0, vocab_size - 1));
  }
  tokens.video_placeholder_id = value.member("video_placeholder_id").integer(INT64_MIN, -1);
  tokens.image_placeholder_id = value.member("image_placeholder_id").integer(INT64_MIN, -1);
  if (tokens.image_placeholder_id == tokens.video_placeholder_id) {
    value.member("image_placeholder_id")
        .refuse("expected another id than video_placeholder_id, got ", tokens.image_placeholder_id);
  }
  tokens.region_id = value.member("region_id").integer(0, vocab_size - 1);
  tokens.num_time_tokens = value.member("num_time_tokens").count(2, 10000);
  const JsonValue time_first = value.member("time_first_id");
  tokens.time_first_id = time_first.integer(0, vocab_size - 1);
  if (tokens.time_first_id + tokens.num_time_tokens > vocab_size) {
    time_first.refuse("expected ", tokens.num_time_tokens, " ids inside the vocabulary of ",
                      vocab_size, ", got ", tokens.time_first_id, " as the first");
  }
  tokens.seg_id = value.member("seg_id").integer(0, vocab_size - 1);
  check_apart(value, tokens);
  return tokens;
}

TrackingConfig read_tracking(const JsonValue& value) {
  value.require_keys({"num_memories", "max_object_pointers", "memory_width"});
  return {value.member("num_memories").count(1, 64),
          value.member("max_object_pointers").count(1, 1024),
          value.member("memory_width").count(1, kMaxWidth)};
}

FileEntry read_file(const JsonValue& value, std::int64_t max_bytes) {
  value.require_keys({"path", "size_bytes", "sha256"});
  FileEntry file;
  file.path = value.member("path").text(1, kMaxName);
  check_relative_path(value.member("path"), file.path);
  file.size_bytes = static_cast<std::uint64_t>(value.member("size_bytes").integer(1, max_bytes));
  const JsonValue digest = value.member("sha256");
  file.sha256 = digest.text(1, kMaxName);
  const bool hex = std::all_of(file.sha256.begin(), file.sha256.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  if (file.sha256.size() != 64 || !hex) {
    digest.refuse("expected 64 lower-case hexadecimal digits, got \"", printable(file.sha256),
                  "\"");
  }
  return file;
}

TensorSpec read_tensor(const JsonValue& value) {
  value.require_keys({"name", "dtype", "shape"});
  TensorSpec tensor;
  tensor.name = value.member("name").text(1, kMaxName);
  tensor.dtype = value.member("dtype").one_of(dtypes());
  for (const JsonValue& dimension : value.member("shape").items(0, kMaxDimensions)) {
    if (dimension.is_string()) {
      tensor.shape.emplace_back(dimension.text(1, kMaxName));
    } else {
      tensor.shape.emplace_back(dimension.integer(1, INT64_MAX));
    }
  }
  return tensor;
}

StageEntry read_stage(const JsonValue& value, std::size_t tensor_limit, bool has_variants) {
  std::vector<std::string> keys{"graph", "weights", "precision", "inputs", "outputs"};
  if (has_variants) {
    keys.emplace_back("variants");
  }
  value.require_keys(keys);
  StageEntry stage;
  stage.graph = read_file(value.member("graph"), kMaxGraphBytes);
  stage.weights = read_weights(value.member("weights"));
  stage.precision = value.member("precision").one_of(precisions());
  stage.inputs = read_tensors(value.member("inputs"), tensor_limit);
  stage.outputs = read_tensors(value.member("outputs"), tensor_limit);
  if (has_variants) {
    stage.variants = read_variants(value.member("variants"));
  }
  return stage;
}

StageVariant read_variant(const JsonValue& value) {
  value.require_keys({"graph", "weights", "precision", "verification"});
  return {read_file(value.member("graph"), kMaxGraphBytes), read_weights(value.member("weights")),
          value.member("precision").one_of(precisions()),
          read_verification(value.member("verification"))};
}

StageVerification read_verification(const JsonValue& value) {
  value.require_keys({"tolerance_abs", "tolerance_rel", "max_abs_error", "max_rel_error"});
  return {value.member("tolerance_abs").measure(), value.member("tolerance_rel").measure(),
          value.member("max_abs_error").measure(), value.member("max_rel_error").measure()};
}

}  // namespace ufvideo
