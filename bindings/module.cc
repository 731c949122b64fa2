#include "module.h"

#include "gil.h"

PYBIND11_MODULE(_native, module) {
  module.doc() = "The native runtime: packages, models, sessions. Same names as the C++ headers.";
  using namespace ufvideo::bindings;
  end_beside_native_threads();
  bind_version(module);
  bind_error(module);
  bind_config(module);
  bind_runtime(module);
  bind_resize(module);
  bind_mask_runs(module);
  bind_sampling(module);
  bind_manifest(module);
  bind_package(module);
  bind_statistics(module);
  bind_cancellation(module);
  bind_generation(module);
  bind_token_automaton(module);
  bind_choices(module);
  bind_stages(module);
  bind_track_stages(module);
  bind_language_model(module);
  bind_model(module);
  bind_frame_stores(module);
  bind_saved_clip(module);
  bind_video_stream(module);
  bind_session(module);
  bind_tracker(module);
}
