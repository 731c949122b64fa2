#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "package/json_reader.h"
#include "ufvideo/manifest.h"

namespace ufvideo {

inline constexpr std::size_t kMaxName = 256;
inline constexpr int kMaxLayers = 1024;
inline constexpr int kMaxVocabulary = 4194304;
/// Channels of anything.
inline constexpr std::int64_t kMaxWidth = 65536;
/// Weights apart, which are mapped, files are read as a whole: graphs and texts.
inline constexpr std::int64_t kMaxGraphBytes = std::int64_t{256} << 20;
inline constexpr std::int64_t kMaxTextBytes = std::int64_t{64} << 20;

/// Each reads one part of a manifest and checks it as far as it can be checked by itself. Throws
/// InvalidPackage naming the key by its full path.
ModelConfig read_model(const JsonValue& value);
VideoConfig read_video(const JsonValue& value);
/// @param vocab_size that all ids but the placeholders must lie below.
TokenConfig read_tokens(const JsonValue& value, std::int64_t vocab_size);
TrackingConfig read_tracking(const JsonValue& value);
FileEntry read_file(const JsonValue& value, std::int64_t max_bytes);
TensorSpec read_tensor(const JsonValue& value);
/// @param tensor_limit bound on its inputs and on its outputs.
/// @param has_variants whether the format has the key `variants`.
StageEntry read_stage(const JsonValue& value, std::size_t tensor_limit, bool has_variants);
StageVariant read_variant(const JsonValue& value);
StageVerification read_verification(const JsonValue& value);

/// Bound on the inputs, and on the outputs, of a stage: the KV cache has two for each layer.
std::size_t max_tensors(int num_layers);

}  // namespace ufvideo
