#include <memory>

#include "arrays.h"
#include "gil.h"
#include "module.h"
#include "ufvideo/kv_cache_handle.h"
#include "ufvideo/stages/language_model.h"

namespace ufvideo::bindings {

void bind_language_model(py::module_& module) {
  py::class_<KvCacheHandle>(module, "KvCache", "Keys and values of one sequence, updated in place.")
      .def_property_readonly("length", &KvCacheHandle::length)
      .def_property_readonly("capacity", &KvCacheHandle::capacity)
      .def_property_readonly("num_bytes", &KvCacheHandle::bytes)
      .def("rewind", &KvCacheHandle::rewind, py::arg("length"),
           "Forget all positions from length on. Raises StateError while another thread runs it.");
  py::class_<LanguageModelOutput>(module, "LanguageModelOutput", "What one run gives.")
      .def_property_readonly(
          "logits", [](const LanguageModelOutput& o) { return as_array(o.logits); },
          "float32 [V], of the last position.")
      .def_property_readonly(
          "hidden_states", [](const LanguageModelOutput& o) { return as_array(o.hidden_states); },
          "float32 [S, D], after the final norm.");
  py::class_<LanguageModel>(module, "LanguageModel", "The decoder.")
      .def_property_readonly("stem", &LanguageModel::stem)
      .def_property_readonly("max_positions", &LanguageModel::max_positions)
      .def(
          "make_cache",
          [](const LanguageModel& self) { return std::make_unique<KvCacheHandle>(self); },
          "A new, empty cache for one sequence.")
      .def(
          "run",
          [](const LanguageModel& self, const py::array& embeddings, KvCacheHandle& cache) {
            const Tensor in =
                as_tensor(embeddings, DType::kFloat32, 2, "language_model: embeddings");
            const GilReleased released;
            return cache.run(self, in);
          },
          py::arg("embeddings"), py::arg("cache"),
          "Run S new positions, embeddings float32 [S, D], after those the cache holds.\n\n"
          "Raises InputError for another model's cache, StateError when another thread has it.");
}

}  // namespace ufvideo::bindings
