#pragma once

#include <memory>
#include <string>

#include "ufvideo/config.h"
#include "ufvideo/package.h"
#include "ufvideo/stage_providers.h"

namespace ufvideo {

class Graph;

/// What all stages share: their stem and their graph. Tensors may lie anywhere; what goes on to
/// another stage stays on the device where there is one (Tensor::device).
class Stage {
 public:
  virtual ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  /// One name in every layer: file, manifest key, statistics field.
  const std::string& stem() const { return stem_; }
  /// What it runs on.
  const StageProviders& providers() const;
  /// How long its graph took to open.
  double open_ms() const { return open_ms_; }
  /// Whether several frames may go through one run. Only in floating point on a device, where
  /// results agree within tolerances. On the CPU the kernels' order of sums follows the number of
  /// rows, and integer stages scale their inputs by the largest value of a whole run: a frame's
  /// result would depend on the frames beside it.
  bool batches_frames() const;

 protected:
  Stage(const Package& package, const std::string& stem, const RuntimeConfig& config);

  const Graph& graph() const { return *graph_; }
  /// The same settings with one thread, for a stage too small to share out.
  static RuntimeConfig single_threaded(const RuntimeConfig& config);

 private:
  std::string stem_;
  std::unique_ptr<Graph> graph_;
  double open_ms_ = 0.0;
};

}  // namespace ufvideo
