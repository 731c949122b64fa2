#include "ufvideo/stages/stage.h"

#include <filesystem>

#include "core/error_message.h"
#include "core/graph.h"
#include "package/external_data.h"

namespace ufvideo {
namespace {

/// A graph may read the weights that the manifest lists for it and no other file.
void check_external_data(const std::filesystem::path& graph, const StageEntry& entry) {
  const std::string allowed =
      entry.weights ? std::filesystem::path(entry.weights->path).filename().string() : "";
  for (const std::string& location : external_locations(graph)) {
    if (location != allowed || allowed.empty()) {
      fail(ErrorCode::kInvalidPackage, graph.string(), ": expected weights in ",
           allowed.empty() ? "the graph itself" : allowed, ", it points to ", location);
    }
  }
}

}  // namespace

Stage::Stage(const Package& package, const std::string& stem, const RuntimeConfig& config)
    : stem_(stem) {
  const std::filesystem::path path = package.graph_path(stem);
  check_external_data(path, package.stage(stem));
  graph_ = std::make_unique<Graph>(path, stem, package.stage(stem), config);
}

Stage::~Stage() = default;

const StageProviders& Stage::providers() const { return graph_->providers(); }

bool Stage::batches_frames() const {
  const std::string& precision = graph_->entry().precision;
  return graph_->device() != nullptr && (precision == "fp32" || precision == "fp16");
}

RuntimeConfig Stage::single_threaded(const RuntimeConfig& config) {
  RuntimeConfig single = config;
  single.num_threads = 1;
  return single;
}

}  // namespace ufvideo
