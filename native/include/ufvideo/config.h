#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ufvideo {

/// Options of one execution provider in ONNX Runtime's own names and spelling, for example
/// {"cudnn_conv_algo_search", "HEURISTIC"}.
using ProviderOptions = std::map<std::string, std::string>;

/// The smallest and the largest value that a setting may have.
struct IntegerBounds {
  std::uint64_t low;
  std::uint64_t high;
};

/// The bounds of a setting below that is an integer, by its name. Throws std::out_of_range where it
/// is none.
const IntegerBounds& integer_bounds(const std::string& setting);

/// How to run here. Says nothing about the model and nothing about the answer.
struct RuntimeConfig {
  /// Path of libonnxruntime; opened once for the process.
  std::filesystem::path onnxruntime_library;
  /// Execution providers in order of preference, "tensorrt", "cuda" and "cpu", the last one last:
  /// each node of a graph runs on the first one that can run it. Where "cpu" is not among them, a
  /// graph with a node for which that leaves none is DeviceUnavailable.
  std::vector<std::string> providers{"cpu"};
  /// Providers of single stages by stem, in place of `providers`.
  std::map<std::string, std::vector<std::string>> stage_providers;
  /// A provider that cannot start is left out, if another one is left, instead of
  /// DeviceUnavailable; Model::stage_providers says so.
  bool allow_fallback = false;
  /// Which GPU.
  int device_id = 0;
  /// Bound on the memory of this GPU that all stages of this process take together, weights and
  /// KV caches included; unset: none. With cuda_graphs the language model is bounded by itself, by
  /// the same number.
  std::optional<std::size_t> device_memory_limit_bytes;
  /// The step that decodes a token of one answer is captured as a CUDA graph, one for each size of
  /// a KV cache, and replayed: less work for the CPU. Runs of the language model then wait for each
  /// other, and while one is captured everything on the GPU waits. Needs "cuda" first for it.
  bool cuda_graphs = false;
  /// Options by provider, for all stages; and by stage and provider, which come on top of them.
  /// Not those that a field here stands for, device_id above all.
  std::map<std::string, ProviderOptions> provider_options;
  std::map<std::string, std::map<std::string, ProviderOptions>> stage_provider_options;
  /// Threads inside one operator; unset: ONNX Runtime's choice (all physical cores).
  std::optional<int> num_threads;
  /// Idle worker threads spin. Measured on two cores: alone 1 to 4 % faster (9 % in int4
  /// decoding), beside a busy neighbour a third slower, so it is off unless asked for.
  bool allow_spinning = false;
  /// Compare every file of the package with its SHA-256 while loading.
  bool verify_digests = true;
  /// Bound on all that the sessions of a model hold together: KV caches, features, kept pixels.
  /// KV caches and features of open clips have precedence: caches are evicted for them, the pixels
  /// first. Beyond it OutOfMemory, and nothing has changed. Not in it are weights, and what a run
  /// of a graph holds while it lasts. Memory on a GPU counts as memory here. Unset: each kind has
  /// the bound below.
  std::optional<std::size_t> memory_budget_bytes;
  /// Bound on the SAM 2 features that all sessions of a model keep for later objects and questions.
  std::size_t mask_cache_bytes = std::size_t{1} << 30;
  /// Bound on the SigLIP features that all sessions of a model keep of frames outside their clips'
  /// sampled frames; those of the sampled frames are kept as long as the clip is open.
  std::size_t region_cache_bytes = std::size_t{1} << 28;
  /// Bound on the pixels that all sessions of a model keep, so that a frame is not read twice.
  std::size_t pixel_cache_bytes = std::size_t{1} << 28;
  /// Bound on the KV caches of all sessions of a model, the copy that growing needs and the batches
  /// of Session::generate_many included; unset, and without memory_budget_bytes: what the machine
  /// (its memory and the control groups of this process) has free when a cache grows, less an
  /// eighth, at most 256 MiB, for the rest.
  std::optional<std::size_t> kv_cache_bytes;
  /// Prompt positions that go through the language model at once: what a prefill holds beside the
  /// weights and the KV cache grows with these, not with the prompt, and a cancel() takes effect
  /// between two pieces.
  int prefill_chunk_tokens = 256;

  /// Throws InvalidConfig naming the field, the value and what is allowed.
  void validate() const;

  /// What holds for one stage.
  const std::vector<std::string>& providers_of(const std::string& stage) const;
  ProviderOptions options_of(const std::string& stage, const std::string& provider) const;
};

/// How to answer.
struct GenerationConfig {
  int max_new_tokens = 2048;
  /// Tokens before which the answer does not end: until then no end token is chosen. Refused beside
  /// a response format or choices, which say themselves where an answer ends.
  int min_new_tokens = 0;
  /// 0 takes the most likely token (greedy); above 0 samples.
  double temperature = 0.0;
  /// Keep only the k most likely tokens; unset: all.
  std::optional<int> top_k;
  /// Keep the smallest set of tokens whose probability reaches p, 0 < p <= 1; unset: all.
  std::optional<double> top_p;
  /// Seed of the sampler; unset: a fresh one for each answer.
  std::optional<std::uint64_t> seed;
  /// Above 1 tokens that were there already become less likely: a logit above 0 is divided by it,
  /// one below 0 multiplied. Of the prompt its ids count, not the video and region placeholders.
  double repetition_penalty = 1.0;

  /// Throws InvalidConfig naming the field, the value and what is allowed.
  void validate() const;
};

}  // namespace ufvideo
