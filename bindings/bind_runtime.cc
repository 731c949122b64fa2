#include "arrays.h"
#include "module.h"
#include "ufvideo/runtime.h"

namespace ufvideo::bindings {

void bind_runtime(py::module_& module) {
  py::class_<OnnxRuntimeFacts>(module, "OnnxRuntimeFacts", "What an ONNX Runtime library offers.")
      .def_readonly("version", &OnnxRuntimeFacts::version)
      .def_readonly("library", &OnnxRuntimeFacts::library)
      .def_readonly("providers", &OnnxRuntimeFacts::providers);
  module.def("open_onnxruntime", &open_onnxruntime, py::arg("library"),
             py::call_guard<py::gil_scoped_release>(),
             "Open libonnxruntime, once for the process.\n\n"
             "Raises DeviceError when it is missing or too old, ConfigError when another one is "
             "open already.");
}

}  // namespace ufvideo::bindings
