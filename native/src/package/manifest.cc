#include "ufvideo/manifest.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "package/graph_signatures.h"
#include "package/json_reader.h"
#include "package/manifest_fields.h"

namespace ufvideo {
namespace {

constexpr std::size_t kMaxFiles = 64;
constexpr std::size_t kMaxProvenance = 64;

std::vector<std::string> top_keys(int version) {
  std::vector<std::string> keys{"format_version", "model", "video",      "tokens",
                                "stages",         "files", "provenance", "verification"};
  if (version >= 2) {
    keys.insert(keys.end(), {"capabilities", "tracking"});
  }
  return keys;
}

/// The version comes first: what another version means by its keys is not ours to say.
int read_version(const JsonValue& root) {
  const std::vector<std::string> keys = root.keys(SIZE_MAX);
  if (std::find(keys.begin(), keys.end(), "format_version") == keys.end()) {
    root.require_keys(top_keys(kPackageFormatVersion));
  }
  const JsonValue key = root.member("format_version");
  const std::int64_t version = key.integer(INT64_MIN, INT64_MAX);
  if (version < 1 || version > kPackageFormatVersion) {
    key.refuse_as(ErrorCode::kUnsupportedPackage, "expected 1 to ", kPackageFormatVersion,
                  ", which this runtime reads, got ", version,
                  "; export the checkpoint again with this version, or update ufvideo-sdk");
  }
  return static_cast<int>(version);
}

/// In the order of all_capabilities(), each with the one it builds on.
std::vector<std::string> read_capabilities(const JsonValue& value) {
  std::vector<std::string> names;
  for (const Capability& capability : all_capabilities()) {
    names.push_back(capability.name);
  }
  std::vector<std::string> read;
  for (const JsonValue& item : value.items(1, names.size())) {
    const std::string name = item.one_of(names);
    const auto& capability =
        *std::find_if(all_capabilities().begin(), all_capabilities().end(),
                      [&](const Capability& each) { return each.name == name; });
    if (std::find(read.begin(), read.end(), name) != read.end()) {
      item.refuse("expected each once, got \"", name, "\" twice");
    }
    const bool has_basis = capability.needs.empty() ||
                           std::find(read.begin(), read.end(), capability.needs) != read.end();
    if (!has_basis) {
      item.refuse("expected \"", capability.needs, "\" before \"", name, "\", which builds on it");
    }
    read.push_back(name);
  }
  return read;
}

std::vector<std::string> stems_of(const std::vector<std::string>& capabilities) {
  std::vector<std::string> stems;
  for (const Capability& capability : all_capabilities()) {
    if (std::find(capabilities.begin(), capabilities.end(), capability.name) !=
        capabilities.end()) {
      stems.insert(stems.end(), capability.stages.begin(), capability.stages.end());
    }
  }
  return stems;
}

void read_stages(const JsonValue& root, Manifest& manifest) {
  const JsonValue stages = root.member("stages");
  const JsonValue verification = root.member("verification");
  const std::vector<std::string> stems = stems_of(manifest.capabilities);
  stages.require_keys(stems);
  verification.require_keys(stems);
  for (const std::string& stem : stems) {
    const JsonValue stage = stages.member(stem);
    StageEntry entry =
        read_stage(stage, max_tensors(manifest.model.num_layers), manifest.format_version >= 2);
    if (stem == "language_model" && !entry.variants.empty()) {
      stage.member("variants").refuse("expected none, a session's KV cache has one dtype");
    }
    manifest.stages.emplace(stem, std::move(entry));
    manifest.verification.emplace(stem, read_verification(verification.member(stem)));
  }
}

std::map<std::string, std::string> read_provenance(const JsonValue& value) {
  std::map<std::string, std::string> provenance;
  for (const std::string& key : value.keys(kMaxProvenance)) {
    const std::size_t length = num_characters(key);
    if (length < 1 || length > kMaxName) {
      value.refuse("expected keys of 1 to ", kMaxName, " characters, got one of ", length);
    }
    provenance.emplace(key, value.member(key).text(0, kMaxName));
  }
  return provenance;
}

}  // namespace

const std::vector<Capability>& all_capabilities() {
  static const std::vector<Capability> capabilities{
      {"ask",
       {"vision_encoder", "aligner", "region_encoder", "token_embedder", "language_model"},
       ""},
      {"segment", {"mask_encoder", "mask_decoder"}, "ask"},
      {"track", {"memory_encoder", "memory_attention", "track_decoder"}, "segment"},
  };
  return capabilities;
}

const std::vector<std::string>& stage_stems() {
  static const std::vector<std::string> stems = [] {
    std::vector<std::string> all;
    for (const Capability& capability : all_capabilities()) {
      all.insert(all.end(), capability.stages.begin(), capability.stages.end());
    }
    return all;
  }();
  return stems;
}

const std::vector<std::string>& provider_names() {
  static const std::vector<std::string> names{"tensorrt", "cuda", "cpu"};
  return names;
}

const std::vector<std::string>& precisions() {
  static const std::vector<std::string> names{"fp32", "fp16", "int8", "int4"};
  return names;
}

const std::vector<std::string>& seg_hidden_states() {
  static const std::vector<std::string> names{"preceding", "predicting"};
  return names;
}

bool Manifest::can(const std::string& capability) const {
  return std::find(capabilities.begin(), capabilities.end(), capability) != capabilities.end();
}

Manifest parse_manifest(const std::string& text, const std::string& source) {
  const nlohmann::json document = parse_json(text, source);
  const JsonValue root(document, source);
  Manifest manifest;
  manifest.format_version = read_version(root);
  root.require_keys(top_keys(manifest.format_version));
  manifest.model = read_model(root.member("model"));
  manifest.video = read_video(root.member("video"));
  manifest.tokens = read_tokens(root.member("tokens"), manifest.model.vocab_size);
  manifest.capabilities = {"ask", "segment"};
  if (manifest.format_version >= 2) {
    manifest.capabilities = read_capabilities(root.member("capabilities"));
    const JsonValue tracking = root.member("tracking");
    if (tracking.is_null() == manifest.can("track")) {
      tracking.refuse(manifest.can("track") ? "expected an object, got null"
                                            : "expected null without the capability track");
    }
    if (manifest.can("track")) {
      manifest.tracking = read_tracking(tracking);
    }
  }
  read_stages(root, manifest);
  for (const JsonValue& file : root.member("files").items(0, kMaxFiles)) {
    manifest.files.push_back(read_file(file, kMaxTextBytes));
  }
  manifest.provenance = read_provenance(root.member("provenance"));
  check_signatures(root.member("stages"), manifest);
  return manifest;
}

Manifest read_manifest(const std::filesystem::path& path) {
  return parse_manifest(read_json_file(path), path.string());
}

}  // namespace ufvideo
