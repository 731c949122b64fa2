#include "package/json_reader.h"
#include "package/manifest_fields.h"
#include "ufvideo/manifest.h"

namespace ufvideo {
namespace {

template <typename Read>
auto read_part(const std::string& text, const Read& read) {
  const nlohmann::json document = parse_json(text, "");
  return read(JsonValue(document, ""));
}

}  // namespace

template <>
ModelConfig parse_manifest_part(const std::string& text) {
  return read_part(text, read_model);
}

template <>
VideoConfig parse_manifest_part(const std::string& text) {
  return read_part(text, read_video);
}

template <>
TrackingConfig parse_manifest_part(const std::string& text) {
  return read_part(text, read_tracking);
}

template <>
TensorSpec parse_manifest_part(const std::string& text) {
  return read_part(text, read_tensor);
}

template <>
StageVariant parse_manifest_part(const std::string& text) {
  return read_part(text, read_variant);
}

template <>
StageVerification parse_manifest_part(const std::string& text) {
  return read_part(text, read_verification);
}

template <>
TokenConfig parse_manifest_part(const std::string& text) {
  return read_part(text, [](const JsonValue& value) { return read_tokens(value, kMaxVocabulary); });
}

template <>
FileEntry parse_manifest_part(const std::string& text) {
  return read_part(text, [](const JsonValue& value) { return read_file(value, INT64_MAX); });
}

template <>
StageEntry parse_manifest_part(const std::string& text) {
  return read_part(text, [](const JsonValue& value) {
    return read_stage(value, max_tensors(kMaxLayers), true);
  });
}

}  // namespace ufvideo
