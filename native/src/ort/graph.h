#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ufvideo/config.h"
#include "ufvideo/manifest.h"
#include "ufvideo/stage_providers.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

using NamedTensor = std::pair<std::string, Tensor>;

/// How a graph is run.
struct RunHow {
  /// Those of the outputs asked for that stay on the graph's device where it has one; the others
  /// come to host memory.
  std::vector<std::string> kept_on_device{};
  /// Number of the CUDA graph that this run is: captured where it is new, else replayed, with all
  /// tensors where they were. Negative: none.
  int capture_id = -1;
};

/// One ONNX graph opened in ONNX Runtime. Thread-safe: runs share nothing but the weights.
///
/// The graph's inputs and outputs are compared with the manifest when it is opened; a name, dtype,
/// rank or fixed dimension that differs is InvalidPackage. A provider that cannot start, or nodes
/// that those asked for cannot run, are DeviceUnavailable. Inputs are checked against the manifest
/// before each run (name, dtype, rank, fixed dimensions; symbols must agree): InvalidInput. ONNX
/// Runtime's errors are caught here and nowhere else, and rethrown with the stage and the input
/// shapes: OutOfMemory for a failed allocation, else InferenceFailed.
class Graph {
 public:
  Graph(const std::filesystem::path& path, const std::string& stage, const StageEntry& entry,
        const RuntimeConfig& config);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  /// Runs with all inputs by name, wherever they lie, and returns the outputs asked for, in that
  /// order, in memory ONNX Runtime allocated. Throws RunCancelled when the token of the thread's
  /// CancellationScope is cancelled before or during the run; bound outputs are undefined then.
  ///
  /// @param bound_outputs further outputs, written into tensors the caller gives (which may be the
  ///     memory of an input: the KV cache).
  std::vector<Tensor> run(const std::vector<NamedTensor>& inputs,
                          const std::vector<std::string>& output_names,
                          const std::vector<NamedTensor>& bound_outputs = {},
                          const RunHow& how = {}) const;

  const std::string& stage() const;
  const StageEntry& entry() const;
  /// Where outputs may stay; null: it runs on the CPU.
  const DevicePtr& device() const;
  /// Whether a run may capture a CUDA graph (RuntimeConfig::cuda_graphs).
  bool captures() const;
  /// What it runs on.
  const StageProviders& providers() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ufvideo
