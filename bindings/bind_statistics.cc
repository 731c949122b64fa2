#include "arrays.h"
#include "module.h"
#include "ufvideo/statistics.h"

namespace ufvideo::bindings {

void bind_statistics(py::module_& module) {
  py::class_<StageTiming>(module, "StageTiming", "Calls, items and wall time of one stage.")
      .def_readonly("num_calls", &StageTiming::num_calls)
      .def_readonly("num_items", &StageTiming::num_items)
      .def_readonly("total_ms", &StageTiming::total_ms);
}

}  // namespace ufvideo::bindings
