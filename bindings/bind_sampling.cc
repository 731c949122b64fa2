#include <pybind11/stl.h>

#include "module.h"
#include "ufvideo/sampling.h"

namespace ufvideo::bindings {

namespace py = pybind11;

void bind_sampling(py::module_& module) {
  module.def(
      "sample_positions", &sample_positions, py::arg("num_available"), py::arg("num_frames"),
      "Spread num_frames positions evenly over a clip (docs/model.md, part 3): the middle of each "
      "of equal segments, ascending; they repeat if the clip has fewer frames.\n\n"
      "Raises InputError when a number is below 1.");
}

}  // namespace ufvideo::bindings
