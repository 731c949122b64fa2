#include "arrays.h"
#include "gil.h"
#include "module.h"
#include "ufvideo/package.h"
#include "ufvideo/symbol_ranges.h"

namespace ufvideo::bindings {

void bind_package(py::module_& module) {
  py::class_<Package>(module, "Package", "A package folder that passed every check.")
      .def_static("open", &Package::open, py::arg("root"), py::arg("verify_digests"),
                  py::call_guard<GilReleased>(),
                  "Open and check a package.\n\nRaises PackageError or PackageVersionError.")
      .def_property_readonly("root", &Package::root);
  module.def("sha256_file", &sha256_file, py::arg("path"), py::call_guard<GilReleased>(),
             "Lower-case hexadecimal SHA-256 of a file.");
  py::class_<SymbolRange>(module, "SymbolRange", "Sizes a symbol of a stage's inputs takes.")
      .def_readonly("symbol", &SymbolRange::symbol)
      .def_readonly("min", &SymbolRange::min)
      .def_readonly("typical", &SymbolRange::typical)
      .def_readonly("max", &SymbolRange::max);
  module.def("symbol_ranges", &symbol_ranges, py::arg("manifest"), py::arg("stem"),
             "Sizes of every symbol in the inputs of a stage that TensorRT may run; empty for the\n"
             "others.\n\nRaises PackageError when the manifest has no such stage.");
}

}  // namespace ufvideo::bindings
