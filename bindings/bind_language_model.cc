#include "arrays.h"
#include "gil.h"
#include "kv/kv_cache.h"
#include "module.h"
#include "ufvideo/stages/language_model.h"

namespace ufvideo::bindings {
namespace {

/// A number of the cache, refused while another thread's run may change it.
template <typename Number>
auto held(Number (KvCache::*number)() const) {
  return [number](const KvCache& cache) {
    const KvCache::Use use(cache);
    return (cache.*number)();
  };
}

}  // namespace

void bind_language_model(py::module_& module) {
  py::class_<KvCache>(module, "KvCache", "Keys and values of one sequence, updated in place.")
      .def_property_readonly("length", held(&KvCache::length))
      .def_property_readonly("capacity", held(&KvCache::capacity))
      .def_property_readonly("num_bytes", held(&KvCache::bytes))
      .def(
          "rewind",
          [](KvCache& self, std::int64_t length) {
            const KvCache::Use use(self);
            self.rewind(length);
          },
          py::arg("length"),
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
      .def("make_cache", &LanguageModel::make_cache, "A new, empty cache for one sequence.")
      .def(
          "run",
          [](const LanguageModel& self, const py::array& embeddings, KvCache& cache) {
            const Tensor in =
                as_tensor(embeddings, DType::kFloat32, 2, "language_model: embeddings");
            const GilReleased released;
            return self.run(in, cache);
          },
          py::arg("embeddings"), py::arg("cache"),
          "Run S new positions, embeddings float32 [S, D], after those the cache holds.\n\n"
          "Raises InputError for another model's cache, StateError when another thread has it.");
}

}  // namespace ufvideo::bindings
