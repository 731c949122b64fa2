#pragma once

#include <pybind11/pybind11.h>

namespace ufvideo::bindings {

// One function for each public header, in the order in which types need each other.
void bind_version(pybind11::module_& module);
void bind_error(pybind11::module_& module);
void bind_config(pybind11::module_& module);
void bind_runtime(pybind11::module_& module);
void bind_resize(pybind11::module_& module);
void bind_mask_runs(pybind11::module_& module);
void bind_sampling(pybind11::module_& module);
void bind_manifest(pybind11::module_& module);
void bind_package(pybind11::module_& module);
void bind_statistics(pybind11::module_& module);
void bind_cancellation(pybind11::module_& module);
void bind_generation(pybind11::module_& module);
void bind_token_automaton(pybind11::module_& module);
void bind_choices(pybind11::module_& module);
void bind_stages(pybind11::module_& module);
void bind_track_stages(pybind11::module_& module);
void bind_language_model(pybind11::module_& module);
void bind_model(pybind11::module_& module);
void bind_frame_stores(pybind11::module_& module);
void bind_saved_clip(pybind11::module_& module);
void bind_video_stream(pybind11::module_& module);
void bind_session(pybind11::module_& module);
void bind_tracker(pybind11::module_& module);

}  // namespace ufvideo::bindings
