#include <pybind11/native_enum.h>

#include "arrays.h"
#include "module.h"
#include "ufvideo/memory_use.h"
#include "ufvideo/statistics.h"

namespace ufvideo::bindings {

void bind_statistics(py::module_& module) {
  py::class_<StageTiming>(module, "StageTiming", "Calls, items and wall time of one stage.")
      .def_readonly("num_calls", &StageTiming::num_calls)
      .def_readonly("num_items", &StageTiming::num_items)
      .def_readonly("total_ms", &StageTiming::total_ms);
  py::native_enum<MemoryKind>(module, "MemoryKind", "enum.Enum", "What sessions hold memory for.")
      .value("KV_CACHE", MemoryKind::kKvCache)
      .value("CLIP_FEATURES", MemoryKind::kClipFeatures)
      .value("REGION_FEATURES", MemoryKind::kRegionFeatures)
      .value("MASK_FEATURES", MemoryKind::kMaskFeatures)
      .value("PIXELS", MemoryKind::kPixels)
      .value("TRACK_MEMORY", MemoryKind::kTrackMemory)
      .finalize();
  py::class_<MemoryUse>(module, "MemoryUse", "Bytes that all sessions of a model hold together.")
      .def("held", &MemoryUse::held, py::arg("kind"), "Bytes of one kind.")
      .def("peak", &MemoryUse::peak, py::arg("kind"),
           "The most of one kind since the model was loaded.")
      .def_readonly("total_bytes", &MemoryUse::total_bytes)
      .def_readonly("peak_bytes", &MemoryUse::peak_bytes)
      .def_readonly("budget_bytes", &MemoryUse::budget_bytes);
}

}  // namespace ufvideo::bindings
