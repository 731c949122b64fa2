#include "ufvideo/stages/stage.h"

#include "base/stage_clock.h"
#include "ort/graph.h"
#include "package/graph_check.h"
#include "ufvideo/frame_batches.h"

namespace ufvideo {

Stage::Stage(const Package& package, const std::string& stem, const RuntimeConfig& config)
    : stem_(stem) {
  const Clock::time_point begin = Clock::now();
  check_graph(package, stem);
  graph_ = std::make_unique<Graph>(package.graph_path(stem), stem, package.stage(stem), config);
  open_ms_ = elapsed_ms(begin);
}

Stage::~Stage() = default;

const StageProviders& Stage::providers() const { return graph_->providers(); }

bool Stage::batches_frames() const {
  return graph_->device() != nullptr && batches_frames_on_device(graph_->entry().precision);
}

RuntimeConfig Stage::single_threaded(const RuntimeConfig& config) {
  RuntimeConfig single = config;
  single.num_threads = 1;
  return single;
}

}  // namespace ufvideo
