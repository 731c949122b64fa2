#include "arrays.h"
#include "module.h"
#include "ufvideo/package.h"

namespace ufvideo::bindings {

void bind_package(py::module_& module) {
  py::class_<Package>(module, "Package", "A package folder that passed every check.")
      .def_static("open", &Package::open, py::arg("root"), py::arg("verify_digests"),
                  py::call_guard<py::gil_scoped_release>(),
                  "Open and check a package.\n\nRaises PackageError or PackageVersionError.")
      .def_property_readonly("root", &Package::root);
  module.def("sha256_file", &sha256_file, py::arg("path"), py::call_guard<py::gil_scoped_release>(),
             "Lower-case hexadecimal SHA-256 of a file.");
}

}  // namespace ufvideo::bindings
