#pragma once

#include <onnxruntime_cxx_api.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace ufvideo {

/// Provider as ONNX Runtime spells it and number of nodes, of a line that it logs while it opens a
/// graph; nothing for any other line.
std::optional<std::pair<std::string, std::int64_t>> parse_placement(const std::string& line);

/// How many nodes of a graph each provider got. ONNX Runtime says so in its log only, of which
/// nothing else is read.
class NodePlacement {
 public:
  /// Makes the session that is opened with these options report here; outlives it.
  void listen(Ort::SessionOptions& options);
  /// The session is open: whatever it logs from now on is dropped.
  void stop() { is_open_ = true; }

  /// By provider as the configuration spells it; empty where nothing was said.
  const std::map<std::string, std::int64_t>& num_nodes() const { return num_nodes_; }

 private:
  static void ORT_API_CALL log(void* placement, OrtLoggingLevel severity, const char* category,
                               const char* log_id, const char* location, const char* message);

  bool is_open_ = false;
  std::map<std::string, std::int64_t> num_nodes_;
};

}  // namespace ufvideo
