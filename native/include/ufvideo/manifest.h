#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace ufvideo {

/// The package format this runtime reads.
inline constexpr int kPackageFormatVersion = 1;

/// The stages of a package of this format, by stem.
const std::set<std::string>& stage_stems();

/// Which language model state becomes the prompt of a generated [SEG] (docs/model.md, part 7).
enum class SegHiddenState { kPreceding, kPredicting };

/// Sizes of the network, as the exporter read them from the checkpoint.
struct ModelFacts {
  std::string name;
  std::string architecture;
  int hidden_size;
  int num_layers;
  int num_attention_heads;
  int num_key_value_heads;
  int head_dim;
  int vocab_size;
  int max_position_embeddings;
  int vision_hidden_size;
  int max_region_tokens;
  SegHiddenState seg_hidden_state;
};

/// How video enters: frames sampled, sizes of the two square inputs, tokens that come out.
struct VideoFacts {
  int num_frames;
  int vision_size_px;
  int patch_grid;
  /// Zero padding of the aligner's sampler (0 in stc_connector_v35, 1 in stc_connector).
  int aligner_padding;
  int mask_size_px;
  int mask_logits_size_px;
};

/// Token ids the runtime must recognise.
struct TokenFacts {
  std::vector<std::int64_t> end_ids;
  std::int64_t video_placeholder_id;
  std::int64_t image_placeholder_id;
  std::int64_t region_id;
  std::int64_t time_first_id;
  int num_time_tokens;
  std::int64_t seg_id;
};

/// One graph input or output: a dimension is a number or a symbol.
struct TensorSpec {
  std::string name;
  std::string dtype;
  std::vector<std::variant<std::int64_t, std::string>> shape;
};

/// Size and digest of a file inside the package.
struct FileEntry {
  std::string path;
  std::uint64_t size_bytes;
  std::string sha256;
};

/// One graph of the pipeline.
struct StageEntry {
  FileEntry graph;
  std::optional<FileEntry> weights;
  std::string precision;
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
};

/// What the exporter measured for a stage.
struct StageVerification {
  double tolerance_abs;
  double tolerance_rel;
  double max_abs_error;
  double max_rel_error;
};

/// manifest.json: everything a runtime must know about a package.
struct Manifest {
  int format_version;
  ModelFacts model;
  VideoFacts video;
  TokenFacts tokens;
  std::map<std::string, StageEntry> stages;
  std::vector<FileEntry> files;
  std::map<std::string, std::string> provenance;
  std::map<std::string, StageVerification> verification;
};

/// Reads and checks a manifest. Throws InvalidPackage (bad or missing key, with its full path) or
/// UnsupportedPackage (a format version this runtime does not read).
Manifest read_manifest(const std::filesystem::path& path);

}  // namespace ufvideo
