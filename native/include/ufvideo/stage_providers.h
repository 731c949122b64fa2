#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ufvideo {

/// Why an execution provider cannot start, and the command that mends it.
struct ProviderProblem {
  std::string what;
  std::string mend;
};

/// The execution providers of one stage.
struct StageProviders {
  /// Those its graph runs on, in order: each node on the first one that can run it.
  std::vector<std::string> used;
  /// Nodes that each of them has got; empty where it is the CPU alone, or ONNX Runtime did not say.
  /// Of TensorRT an engine is one node.
  std::map<std::string, std::int64_t> num_nodes{};
  /// Those asked for that could not start (RuntimeConfig::allow_fallback), and why.
  std::map<std::string, std::string> left_out{};
};

/// By stage stem.
using ProvidersByStage = std::map<std::string, StageProviders>;

}  // namespace ufvideo
