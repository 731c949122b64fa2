#include "ufvideo/manifest.h"

#include <algorithm>

#include "package/graph_signatures.h"
#include "package/json_reader.h"

namespace ufvideo {

const std::set<std::string>& stage_stems() {
  static const std::set<std::string> stems{"vision_encoder", "aligner",        "region_encoder",
                                           "token_embedder", "language_model", "mask_encoder",
                                           "mask_decoder"};
  return stems;
}

namespace {

constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxTensors = 64;
constexpr std::size_t kMaxDimensions = 8;
constexpr std::size_t kMaxFiles = 64;
/// Weights apart, which are mapped, files are read as a whole: graphs and texts.
constexpr std::int64_t kMaxGraphBytes = std::int64_t{256} << 20;
constexpr std::int64_t kMaxTextBytes = std::int64_t{64} << 20;
constexpr std::size_t kMaxProvenance = 64;

ModelFacts read_model(const JsonValue& value) {
  value.require_keys({"name", "architecture", "hidden_size", "num_layers", "num_attention_heads",
                      "num_key_value_heads", "head_dim", "vocab_size", "max_position_embeddings",
                      "vision_hidden_size", "max_region_tokens", "seg_hidden_state"});
  ModelFacts model;
  model.name = value.member("name").text(1, kMaxName);
  model.architecture = value.member("architecture").text(1, kMaxName);
  model.hidden_size = value.member("hidden_size").count(1, 65536);
  model.num_layers = value.member("num_layers").count(1, 1024);
  model.num_attention_heads = value.member("num_attention_heads").count(1, 1024);
  model.num_key_value_heads = value.member("num_key_value_heads").count(1, 1024);
  if (model.num_attention_heads % model.num_key_value_heads != 0) {
    value.member("num_attention_heads")
        .refuse("expected a multiple of num_key_value_heads ", model.num_key_value_heads, ", got ",
                model.num_attention_heads);
  }
  model.head_dim = value.member("head_dim").count(1, 1024);
  model.vocab_size = value.member("vocab_size").count(1, 4194304);
  model.max_position_embeddings = value.member("max_position_embeddings").count(1, 16777216);
  model.vision_hidden_size = value.member("vision_hidden_size").count(1, 65536);
  model.max_region_tokens = value.member("max_region_tokens").count(1, 64);
  const std::string state = value.member("seg_hidden_state").one_of({"preceding", "predicting"});
  model.seg_hidden_state =
      state == "preceding" ? SegHiddenState::kPreceding : SegHiddenState::kPredicting;
  return model;
}

VideoFacts read_video(const JsonValue& value) {
  value.require_keys({"num_frames", "vision_size_px", "patch_grid", "aligner_padding",
                      "mask_size_px", "mask_logits_size_px"});
  VideoFacts video;
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

/// Refuses an id that means two things: each of these has ids of its own.
void check_apart(const JsonValue& value, const TokenFacts& tokens) {
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

TokenFacts read_tokens(const JsonValue& value, std::int64_t vocab_size) {
  value.require_keys({"end_ids", "video_placeholder_id", "image_placeholder_id", "region_id",
                      "time_first_id", "num_time_tokens", "seg_id"});
  TokenFacts tokens;
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

void check_relative_path(const JsonValue& value, const std::string& path) {
  const bool bad = path.front() == '/' || path.find('\\') != std::string::npos ||
                   path.find('\0') != std::string::npos || path.back() == '/';
  if (bad) {
    value.refuse("expected a relative path inside the package, got \"", path, "\"");
  }
  std::size_t begin = 0;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") {
      value.refuse("expected a path without empty parts, \".\" and \"..\", got \"", path, "\"");
    }
    begin = end + 1;
  }
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
    digest.refuse("expected 64 lower-case hexadecimal digits, got \"", file.sha256, "\"");
  }
  return file;
}

TensorSpec read_tensor(const JsonValue& value) {
  value.require_keys({"name", "dtype", "shape"});
  TensorSpec tensor;
  tensor.name = value.member("name").text(1, kMaxName);
  tensor.dtype =
      value.member("dtype").one_of({"uint8", "bool", "int32", "int64", "float16", "float32"});
  for (const JsonValue& dimension : value.member("shape").items(0, kMaxDimensions)) {
    if (dimension.is_string()) {
      tensor.shape.emplace_back(dimension.text(1, kMaxName));
    } else {
      tensor.shape.emplace_back(dimension.integer(1, INT64_MAX));
    }
  }
  return tensor;
}

std::vector<TensorSpec> read_tensors(const JsonValue& value, std::size_t limit) {
  std::vector<TensorSpec> tensors;
  for (const JsonValue& item : value.items(1, limit)) {
    tensors.push_back(read_tensor(item));
  }
  return tensors;
}

StageEntry read_stage(const JsonValue& value, std::size_t num_layers) {
  value.require_keys({"graph", "weights", "precision", "inputs", "outputs"});
  StageEntry stage;
  stage.graph = read_file(value.member("graph"), kMaxGraphBytes);
  if (!value.member("weights").is_null()) {
    stage.weights = read_file(value.member("weights"), INT64_MAX);
  }
  stage.precision = value.member("precision").one_of({"fp32", "fp16", "int8", "int4"});
  const std::size_t limit = kMaxTensors + 2 * num_layers;
  stage.inputs = read_tensors(value.member("inputs"), limit);
  stage.outputs = read_tensors(value.member("outputs"), limit);
  return stage;
}

StageVerification read_verification(const JsonValue& value) {
  value.require_keys({"tolerance_abs", "tolerance_rel", "max_abs_error", "max_rel_error"});
  return {value.member("tolerance_abs").measure(), value.member("tolerance_rel").measure(),
          value.member("max_abs_error").measure(), value.member("max_rel_error").measure()};
}

/// The version comes first: what another version means by its keys is not ours to say.
void check_version(const JsonValue& root) {
  const std::vector<std::string> keys = root.keys(SIZE_MAX);
  if (std::find(keys.begin(), keys.end(), "format_version") == keys.end()) {
    return;
  }
  const std::int64_t version = root.member("format_version").integer(INT64_MIN, INT64_MAX);
  if (version != kPackageFormatVersion) {
    fail(ErrorCode::kUnsupportedPackage, root.file(), ": format_version: this runtime reads ",
         kPackageFormatVersion, ", the package has ", version,
         "; export the checkpoint again with this version, or update ufvideo-sdk");
  }
}

std::map<std::string, std::string> read_provenance(const JsonValue& value) {
  std::map<std::string, std::string> provenance;
  for (const std::string& key : value.keys(kMaxProvenance)) {
    if (key.empty() || key.size() > kMaxName) {
      value.refuse("expected keys of 1 to ", kMaxName, " bytes, got one of ", key.size());
    }
    provenance.emplace(key, value.member(key).text(0, kMaxName));
  }
  return provenance;
}

}  // namespace

Manifest read_manifest(const std::filesystem::path& path) {
  const nlohmann::json document = parse_json_file(path);
  const JsonValue root(document, path);
  check_version(root);
  root.require_keys({"format_version", "model", "video", "tokens", "stages", "files", "provenance",
                     "verification"});
  Manifest manifest;
  manifest.format_version = kPackageFormatVersion;
  manifest.model = read_model(root.member("model"));
  manifest.video = read_video(root.member("video"));
  manifest.tokens = read_tokens(root.member("tokens"), manifest.model.vocab_size);
  const JsonValue stages = root.member("stages");
  const JsonValue verification = root.member("verification");
  stages.require_keys(stage_stems());
  verification.require_keys(stage_stems());
  const auto num_layers = static_cast<std::size_t>(manifest.model.num_layers);
  for (const std::string& stem : stage_stems()) {
    manifest.stages.emplace(stem, read_stage(stages.member(stem), num_layers));
    manifest.verification.emplace(stem, read_verification(verification.member(stem)));
  }
  for (const JsonValue& file : root.member("files").items(0, kMaxFiles)) {
    manifest.files.push_back(read_file(file, kMaxTextBytes));
  }
  manifest.provenance = read_provenance(root.member("provenance"));
  check_borders(stages, manifest);
  return manifest;
}

}  // namespace ufvideo
