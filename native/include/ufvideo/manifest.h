#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ufvideo {

/// The newest package format this runtime reads; it reads every one from 1.
inline constexpr int kPackageFormatVersion = 2;

/// Most bytes of a manifest.
inline constexpr std::size_t kMaxManifestBytes = std::size_t{1} << 20;

/// What a package can do, and the stages it has for that.
struct Capability {
  std::string name;
  std::vector<std::string> stages;
  /// The capability it builds on; empty: none.
  std::string needs;
};

/// All capabilities, in the order of the pipeline.
const std::vector<Capability>& all_capabilities();
/// Stems of the stages of all capabilities, in the order of the pipeline.
const std::vector<std::string>& stage_stems();
/// Execution providers, in the order that makes sense where all of them are there.
const std::vector<std::string>& provider_names();
/// Precisions of a stage.
const std::vector<std::string>& precisions();
/// Values of `seg_hidden_state`, in the order of SegHiddenState.
const std::vector<std::string>& seg_hidden_states();

/// Which language model state becomes the prompt of a generated [SEG] (docs/model.md, part 7).
enum class SegHiddenState { kPreceding, kPredicting };

/// Sizes of the network, as the exporter read them from the checkpoint.
struct ModelConfig {
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
struct VideoConfig {
  int num_frames;
  int vision_size_px;
  int patch_grid;
  /// Zero padding of the aligner's sampler (0 in stc_connector_v35, 1 in stc_connector).
  int aligner_padding;
  int mask_size_px;
  int mask_logits_size_px;
};

/// Token ids the runtime must recognise.
struct TokenConfig {
  std::vector<std::int64_t> end_ids;
  std::int64_t video_placeholder_id;
  std::int64_t image_placeholder_id;
  std::int64_t region_id;
  std::int64_t time_first_id;
  int num_time_tokens;
  std::int64_t seg_id;
};

/// Sizes of SAM 2's memory (docs/package_format.md, "Tracking").
struct TrackingConfig {
  /// Most frames in the memory of an object.
  int num_memories;
  /// Most object pointers in the memory of an object.
  int max_object_pointers;
  /// Channels of a memory; an object pointer is cut into tokens of this width.
  int memory_width;
};

/// One graph input or output: a dimension is a number or a symbol.
struct TensorSpec {
  std::string name;
  std::string dtype;
  std::vector<std::variant<std::int64_t, std::string>> shape;
};

/// Inputs and outputs of a graph, in order.
struct GraphSignature {
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
};

/// Size and digest of a file inside the package.
struct FileEntry {
  std::string path;
  std::uint64_t size_bytes;
  std::string sha256;
};

/// What the exporter measured for a stage.
struct StageVerification {
  double tolerance_abs;
  double tolerance_rel;
  double max_abs_error;
  double max_rel_error;
};

/// Another graph of a stage, of the same signature, for one execution provider.
struct StageVariant {
  FileEntry graph;
  std::optional<FileEntry> weights;
  std::string precision;
  StageVerification verification;
};

/// One graph of the pipeline.
struct StageEntry {
  FileEntry graph;
  std::optional<FileEntry> weights;
  std::string precision;
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
  /// By execution provider. Since format version 2.
  std::map<std::string, StageVariant> variants;
};

/// manifest.json: everything a runtime must know about a package.
struct Manifest {
  int format_version;
  /// Names of all_capabilities(), in that order. A package of format version 1 can ask and segment.
  std::vector<std::string> capabilities;
  ModelConfig model;
  VideoConfig video;
  TokenConfig tokens;
  /// Set if the package can track.
  std::optional<TrackingConfig> tracking;
  std::map<std::string, StageEntry> stages;
  std::vector<FileEntry> files;
  std::map<std::string, std::string> provenance;
  std::map<std::string, StageVerification> verification;

  bool can(const std::string& capability) const;
};

/// Parses and checks the text of a manifest. Throws InvalidPackage (bad or missing key, with its
/// full path) or UnsupportedPackage (a format version this runtime does not read).
///
/// @param source names the text in messages; empty: nothing does.
Manifest parse_manifest(const std::string& text, const std::string& source);

/// The same from a file.
Manifest read_manifest(const std::filesystem::path& path);

/// Parses and checks one part of a manifest by itself, for who writes one: ModelConfig,
/// VideoConfig, TokenConfig, TrackingConfig, FileEntry, TensorSpec, StageEntry, StageVariant or
/// StageVerification. Throws InvalidPackage.
template <typename Part>
Part parse_manifest_part(const std::string& text);

/// Expected inputs and outputs of each graph, derived from the model's sizes, by stem. The runtime
/// copies by these sizes.
///
/// @param tracking sizes of SAM 2's memory; unset: without the stages of tracking.
/// @param mask_width channels of SAM 2's features.
/// @param cache_dtype of the language model's KV cache, "float32" or "float16".
std::map<std::string, GraphSignature> graph_signatures(
    const ModelConfig& model, const VideoConfig& video,
    const std::optional<TrackingConfig>& tracking, std::int64_t mask_width,
    const std::string& cache_dtype);

}  // namespace ufvideo
