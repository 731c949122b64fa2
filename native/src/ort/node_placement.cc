#include "ort/node_placement.h"

#include <charconv>
#include <system_error>

namespace ufvideo {
namespace {

constexpr const char* kPlacedOn = "placed on [";
constexpr const char* kNumber = "Number of nodes: ";

std::string configured_name(const std::string& provider) {
  for (const auto& [theirs, ours] :
       {std::pair{"CPUExecutionProvider", "cpu"}, std::pair{"CUDAExecutionProvider", "cuda"},
        std::pair{"TensorrtExecutionProvider", "tensorrt"}}) {
    if (provider == theirs) {
      return ours;
    }
  }
  return provider;
}

}  // namespace

std::optional<std::pair<std::string, std::int64_t>> parse_placement(const std::string& line) {
  const std::size_t placed = line.find(kPlacedOn);
  if (placed == std::string::npos) {
    return std::nullopt;
  }
  const std::size_t begin = placed + std::string(kPlacedOn).size();
  const std::size_t end = line.find(']', begin);
  const std::size_t number = line.find(kNumber, begin);
  if (end == std::string::npos || number == std::string::npos) {
    return std::nullopt;
  }
  std::int64_t count = 0;
  const char* digits = line.data() + number + std::string(kNumber).size();
  if (std::from_chars(digits, line.data() + line.size(), count).ec != std::errc()) {
    return std::nullopt;
  }
  return std::pair{line.substr(begin, end - begin), count};
}

void NodePlacement::listen(Ort::SessionOptions& options) {
  options.SetLogSeverityLevel(ORT_LOGGING_LEVEL_VERBOSE);
  Ort::ThrowOnError(Ort::GetApi().SetUserLoggingFunction(options, &NodePlacement::log, this));
}

void NodePlacement::log(void* placement, OrtLoggingLevel /*severity*/, const char* /*category*/,
                        const char* /*log_id*/, const char* /*location*/, const char* message) {
  auto* self = static_cast<NodePlacement*>(placement);
  if (self->is_open_) {
    return;
  }
  if (const auto placed = parse_placement(message)) {
    self->num_nodes_[configured_name(placed->first)] += placed->second;
  }
}

}  // namespace ufvideo
