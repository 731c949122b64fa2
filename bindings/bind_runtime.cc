#include "arrays.h"
#include "gil.h"
#include "module.h"
#include "readable.h"
#include "ufvideo/available_memory.h"
#include "ufvideo/runtime.h"

namespace ufvideo::bindings {

void bind_runtime(py::module_& module) {
  py::class_<OnnxRuntimeFacts>(module, "OnnxRuntimeFacts", "What an ONNX Runtime library offers.")
      .def_readonly("version", &OnnxRuntimeFacts::version)
      .def_readonly("library", &OnnxRuntimeFacts::library)
      .def_readonly("providers", &OnnxRuntimeFacts::providers);
  py::class_<ProviderProblem>(module, "ProviderProblem",
                              "Why an execution provider cannot start, and what mends it.")
      .def_property_readonly("what",
                             [](const ProviderProblem& problem) { return readable(problem.what); })
      .def_property_readonly("mend",
                             [](const ProviderProblem& problem) { return readable(problem.mend); });
  module.def("find_provider_problem", &find_provider_problem, py::arg("library"),
             py::arg("provider"), py::arg("device_id") = 0, py::call_guard<GilReleased>(),
             "Why an execution provider cannot start on this machine; None when it can.\n\n"
             "Raises DeviceError and ConfigError as open_onnxruntime does.");
  module.def("open_onnxruntime", &open_onnxruntime, py::arg("library"),
             py::call_guard<GilReleased>(),
             "Open libonnxruntime, once for the process.\n\n"
             "Raises DeviceError when it is missing or too old, ConfigError when another one is "
             "open already.");
  module.def("available_memory_bytes", &available_memory_bytes, py::call_guard<GilReleased>(),
             "Bytes that this process may still take; None where the system does not say.");
}

}  // namespace ufvideo::bindings
