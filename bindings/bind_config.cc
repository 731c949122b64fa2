#include "arrays.h"
#include "module.h"
#include "ufvideo/config.h"

namespace ufvideo::bindings {

void bind_config(py::module_& module) {
  py::class_<RuntimeConfig>(module, "RuntimeConfig", "How to run here.")
      .def(
          py::init([](std::filesystem::path onnxruntime_library, std::vector<std::string> providers,
                      std::optional<int> num_threads, bool allow_spinning, bool verify_digests,
                      std::size_t mask_cache_bytes, std::size_t region_cache_bytes,
                      std::optional<std::size_t> kv_cache_bytes, int prefill_chunk_tokens) {
            RuntimeConfig config{std::move(onnxruntime_library),
                                 std::move(providers),
                                 num_threads,
                                 allow_spinning,
                                 verify_digests,
                                 mask_cache_bytes,
                                 region_cache_bytes,
                                 kv_cache_bytes,
                                 prefill_chunk_tokens};
            config.validate();
            return config;
          }),
          py::kw_only(), py::arg("onnxruntime_library"),
          py::arg("providers") = std::vector<std::string>{"cpu"},
          py::arg("num_threads") = std::nullopt,
          py::arg("allow_spinning") = RuntimeConfig{}.allow_spinning,
          py::arg("verify_digests") = true,
          py::arg("mask_cache_bytes") = RuntimeConfig{}.mask_cache_bytes,
          py::arg("region_cache_bytes") = RuntimeConfig{}.region_cache_bytes,
          py::arg("kv_cache_bytes") = std::nullopt,
          py::arg("prefill_chunk_tokens") = RuntimeConfig{}.prefill_chunk_tokens,
          "Raises ConfigError naming the field, the value and what is allowed.")
      .def_readonly("onnxruntime_library", &RuntimeConfig::onnxruntime_library)
      .def_readonly("providers", &RuntimeConfig::providers)
      .def_readonly("num_threads", &RuntimeConfig::num_threads)
      .def_readonly("allow_spinning", &RuntimeConfig::allow_spinning)
      .def_readonly("verify_digests", &RuntimeConfig::verify_digests)
      .def_readonly("mask_cache_bytes", &RuntimeConfig::mask_cache_bytes)
      .def_readonly("region_cache_bytes", &RuntimeConfig::region_cache_bytes)
      .def_readonly("kv_cache_bytes", &RuntimeConfig::kv_cache_bytes)
      .def_readonly("prefill_chunk_tokens", &RuntimeConfig::prefill_chunk_tokens);

  py::class_<GenerationConfig>(module, "GenerationConfig", "How to answer.")
      .def(py::init([](int max_new_tokens, float temperature, std::optional<int> top_k,
                       std::optional<float> top_p, std::optional<std::uint64_t> seed,
                       float repetition_penalty) {
             GenerationConfig config{max_new_tokens, temperature, top_k,
                                     top_p,          seed,        repetition_penalty};
             config.validate();
             return config;
           }),
           py::kw_only(), py::arg("max_new_tokens") = GenerationConfig{}.max_new_tokens,
           py::arg("temperature") = 0.0f, py::arg("top_k") = std::nullopt,
           py::arg("top_p") = std::nullopt, py::arg("seed") = std::nullopt,
           py::arg("repetition_penalty") = GenerationConfig{}.repetition_penalty,
           "Raises ConfigError naming the field, the value and what is allowed.")
      .def_readonly("max_new_tokens", &GenerationConfig::max_new_tokens)
      .def_readonly("temperature", &GenerationConfig::temperature)
      .def_readonly("top_k", &GenerationConfig::top_k)
      .def_readonly("top_p", &GenerationConfig::top_p)
      .def_readonly("seed", &GenerationConfig::seed)
      .def_readonly("repetition_penalty", &GenerationConfig::repetition_penalty);
}

}  // namespace ufvideo::bindings
