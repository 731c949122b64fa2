#include "arrays.h"
#include "module.h"
#include "ufvideo/config.h"

namespace ufvideo::bindings {
namespace {

using Providers = std::vector<std::string>;
using OptionsByProvider = std::map<std::string, ProviderOptions>;

RuntimeConfig runtime_config(std::filesystem::path onnxruntime_library, Providers providers,
                             std::map<std::string, Providers> stage_providers, bool allow_fallback,
                             int device_id, std::optional<std::size_t> device_memory_limit_bytes,
                             bool cuda_graphs, OptionsByProvider provider_options,
                             std::map<std::string, OptionsByProvider> stage_provider_options,
                             std::optional<int> num_threads, bool allow_spinning,
                             bool verify_digests, std::size_t mask_cache_bytes,
                             std::size_t region_cache_bytes,
                             std::optional<std::size_t> kv_cache_bytes, int prefill_chunk_tokens,
                             std::size_t pixel_cache_bytes,
                             std::optional<std::size_t> memory_budget_bytes) {
  RuntimeConfig config;
  config.onnxruntime_library = std::move(onnxruntime_library);
  config.providers = std::move(providers);
  config.stage_providers = std::move(stage_providers);
  config.allow_fallback = allow_fallback;
  config.device_id = device_id;
  config.device_memory_limit_bytes = device_memory_limit_bytes;
  config.cuda_graphs = cuda_graphs;
  config.provider_options = std::move(provider_options);
  config.stage_provider_options = std::move(stage_provider_options);
  config.num_threads = num_threads;
  config.allow_spinning = allow_spinning;
  config.verify_digests = verify_digests;
  config.mask_cache_bytes = mask_cache_bytes;
  config.region_cache_bytes = region_cache_bytes;
  config.kv_cache_bytes = kv_cache_bytes;
  config.prefill_chunk_tokens = prefill_chunk_tokens;
  config.pixel_cache_bytes = pixel_cache_bytes;
  config.memory_budget_bytes = memory_budget_bytes;
  config.validate();
  return config;
}

}  // namespace

void bind_config(py::module_& module) {
  py::class_<RuntimeConfig>(module, "RuntimeConfig", "How to run here.")
      .def(py::init(&runtime_config), py::kw_only(), py::arg("onnxruntime_library"),
           py::arg("providers") = RuntimeConfig{}.providers,
           py::arg("stage_providers") = RuntimeConfig{}.stage_providers,
           py::arg("allow_fallback") = RuntimeConfig{}.allow_fallback,
           py::arg("device_id") = RuntimeConfig{}.device_id,
           py::arg("device_memory_limit_bytes") = std::nullopt,
           py::arg("cuda_graphs") = RuntimeConfig{}.cuda_graphs,
           py::arg("provider_options") = RuntimeConfig{}.provider_options,
           py::arg("stage_provider_options") = RuntimeConfig{}.stage_provider_options,
           py::arg("num_threads") = std::nullopt,
           py::arg("allow_spinning") = RuntimeConfig{}.allow_spinning,
           py::arg("verify_digests") = true,
           py::arg("mask_cache_bytes") = RuntimeConfig{}.mask_cache_bytes,
           py::arg("region_cache_bytes") = RuntimeConfig{}.region_cache_bytes,
           py::arg("kv_cache_bytes") = std::nullopt,
           py::arg("prefill_chunk_tokens") = RuntimeConfig{}.prefill_chunk_tokens,
           py::arg("pixel_cache_bytes") = RuntimeConfig{}.pixel_cache_bytes,
           py::arg("memory_budget_bytes") = std::nullopt,
           "Raises ConfigError naming the field, the value and what is allowed.")
      .def_readonly("onnxruntime_library", &RuntimeConfig::onnxruntime_library)
      .def_readonly("providers", &RuntimeConfig::providers)
      .def_readonly("stage_providers", &RuntimeConfig::stage_providers)
      .def_readonly("allow_fallback", &RuntimeConfig::allow_fallback)
      .def_readonly("device_id", &RuntimeConfig::device_id)
      .def_readonly("device_memory_limit_bytes", &RuntimeConfig::device_memory_limit_bytes)
      .def_readonly("cuda_graphs", &RuntimeConfig::cuda_graphs)
      .def_readonly("provider_options", &RuntimeConfig::provider_options)
      .def_readonly("stage_provider_options", &RuntimeConfig::stage_provider_options)
      .def_readonly("num_threads", &RuntimeConfig::num_threads)
      .def_readonly("allow_spinning", &RuntimeConfig::allow_spinning)
      .def_readonly("verify_digests", &RuntimeConfig::verify_digests)
      .def_readonly("mask_cache_bytes", &RuntimeConfig::mask_cache_bytes)
      .def_readonly("region_cache_bytes", &RuntimeConfig::region_cache_bytes)
      .def_readonly("kv_cache_bytes", &RuntimeConfig::kv_cache_bytes)
      .def_readonly("prefill_chunk_tokens", &RuntimeConfig::prefill_chunk_tokens)
      .def_readonly("pixel_cache_bytes", &RuntimeConfig::pixel_cache_bytes)
      .def_readonly("memory_budget_bytes", &RuntimeConfig::memory_budget_bytes);

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
