#include "arrays.h"
#include "gil.h"
#include "module.h"
#include "readable.h"
#include "ufvideo/model.h"
#include "ufvideo/open_stage.h"
#include "ufvideo/stage_providers.h"

namespace ufvideo::bindings {

void bind_model(py::module_& module) {
  constexpr auto kInternal = py::return_value_policy::reference_internal;
  py::class_<StageProviders>(module, "StageProviders", "The execution providers of one stage.")
      .def_readonly("used", &StageProviders::used)
      .def_readonly("num_nodes", &StageProviders::num_nodes)
      .def_property_readonly("left_out", [](const StageProviders& providers) {
        std::map<std::string, py::str> reasons;
        for (const auto& [provider, reason] : providers.left_out) {
          reasons.emplace(provider, readable(reason));
        }
        return reasons;
      });
  module.def(
      "open_stage", &open_stage, py::arg("package"), py::arg("stem"), py::arg("config"),
      py::call_guard<GilReleased>(),
      "Open the graph of one stage and close it again: what TensorRT builds meanwhile stays\n"
      "in the engine cache that the configuration names. Gives what the stage runs on.\n\n"
      "Raises as Model.load.");
  // pybind11 has no holder of a pointer to const; the class has const methods only.
  py::class_<Model, std::shared_ptr<Model>>(module, "Model", "The weights, shared by sessions.")
      .def_static(
          "load",
          [](const std::filesystem::path& package, const RuntimeConfig& config) {
            return std::const_pointer_cast<Model>(Model::load(package, config));
          },
          py::arg("package"), py::arg("config"), py::call_guard<GilReleased>(),
          "Open a package and every stage.\n\n"
          "Raises PackageError, PackageVersionError, ConfigError, DeviceError or CapacityError.")
      .def_property_readonly("stage_providers", &Model::stage_providers,
                             "What each stage runs on, by stem.")
      .def("load_timings", &Model::load_timings,
           "How long load() took: by stem to open its graph, under 'package' to check the files.")
      .def("memory_use", &Model::memory_use,
           "From any thread: what all its sessions hold together.")
      .def_property_readonly("vision_encoder", &Model::vision_encoder, kInternal)
      .def_property_readonly("aligner", &Model::aligner, kInternal)
      .def_property_readonly("region_encoder", &Model::region_encoder, kInternal)
      .def_property_readonly("token_embedder", &Model::token_embedder, kInternal)
      .def_property_readonly("language_model", &Model::language_model, kInternal)
      .def_property_readonly("mask_encoder", &Model::mask_encoder, kInternal)
      .def_property_readonly("mask_decoder", &Model::mask_decoder, kInternal)
      .def_property_readonly("memory_encoder", &Model::memory_encoder, kInternal)
      .def_property_readonly("memory_attention", &Model::memory_attention, kInternal)
      .def_property_readonly("track_decoder", &Model::track_decoder, kInternal);
}

}  // namespace ufvideo::bindings
