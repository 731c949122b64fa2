#include "module.h"
#include "ufvideo/version.h"

namespace ufvideo::bindings {

void bind_version(pybind11::module_& module) {
  module.def("version", &version, "Version of the native library.");
}

}  // namespace ufvideo::bindings
