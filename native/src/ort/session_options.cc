#include "ort/session_options.h"

namespace ufvideo {

Ort::SessionOptions session_options(const RuntimeConfig& config, bool captures) {
  Ort::SessionOptions options;
  options.SetGraphOptimizationLevel(GraphOptimizationLevel::ORT_ENABLE_ALL);
  options.SetExecutionMode(ExecutionMode::ORT_SEQUENTIAL);
  options.SetInterOpNumThreads(1);
  // Patterns reserve one block for all activations of each shape that comes, a fifth of what a
  // model of 100 M parameters takes, for no time that could be measured.
  options.DisableMemPattern();
  if (config.num_threads) {
    options.SetIntraOpNumThreads(*config.num_threads);
  }
  // Else a file whose name or fifth byte says so is read in ONNX Runtime's own format, which the
  // checks of a package do not know.
  options.AddConfigEntry("session.load_model_format", "ONNX");
  // What a captured graph writes to must be nobody else's between two replays.
  options.AddConfigEntry("session.use_env_allocators", captures ? "0" : "1");
  options.AddConfigEntry("session.intra_op.allow_spinning", config.allow_spinning ? "1" : "0");
  // Each stage has threads of its own. Left alone they go on spinning after a run, against the next
  // stage, which on two cores takes twice as long. One pool for all stages was no faster than
  // stopping here, and its size would be fixed for the whole process.
  options.AddConfigEntry("session.force_spinning_stop", "1");
  return options;
}

}  // namespace ufvideo
