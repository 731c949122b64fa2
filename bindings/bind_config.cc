#include "arrays.h"
#include "module.h"
#include "settings.h"
#include "ufvideo/config.h"

namespace ufvideo::bindings {

void bind_config(py::module_& module) {
  SettingsClass<RuntimeConfig>(module, "RuntimeConfig", "How to run here.")
      .field("onnxruntime_library", &RuntimeConfig::onnxruntime_library)
      .field("providers", &RuntimeConfig::providers)
      .field("stage_providers", &RuntimeConfig::stage_providers)
      .field("allow_fallback", &RuntimeConfig::allow_fallback)
      .field("device_id", &RuntimeConfig::device_id)
      .field("device_memory_limit_bytes", &RuntimeConfig::device_memory_limit_bytes)
      .field("cuda_graphs", &RuntimeConfig::cuda_graphs)
      .field("provider_options", &RuntimeConfig::provider_options)
      .field("stage_provider_options", &RuntimeConfig::stage_provider_options)
      .field("num_threads", &RuntimeConfig::num_threads)
      .field("allow_spinning", &RuntimeConfig::allow_spinning)
      .field("verify_digests", &RuntimeConfig::verify_digests)
      .field("mask_cache_bytes", &RuntimeConfig::mask_cache_bytes)
      .field("region_cache_bytes", &RuntimeConfig::region_cache_bytes)
      .field("kv_cache_bytes", &RuntimeConfig::kv_cache_bytes)
      .field("pixel_cache_bytes", &RuntimeConfig::pixel_cache_bytes)
      .field("memory_budget_bytes", &RuntimeConfig::memory_budget_bytes)
      .field("prefill_chunk_tokens", &RuntimeConfig::prefill_chunk_tokens)
      .finish()
      .def("providers_of", &RuntimeConfig::providers_of, py::arg("stage"),
           "Providers of one stage.")
      .def("options_of", &RuntimeConfig::options_of, py::arg("stage"), py::arg("provider"),
           "Options of one stage with one provider.");

  SettingsClass<GenerationConfig>(module, "GenerationConfig", "How to answer.")
      .field("max_new_tokens", &GenerationConfig::max_new_tokens)
      .field("min_new_tokens", &GenerationConfig::min_new_tokens)
      .field("temperature", &GenerationConfig::temperature)
      .field("top_k", &GenerationConfig::top_k)
      .field("top_p", &GenerationConfig::top_p)
      .field("seed", &GenerationConfig::seed)
      .field("repetition_penalty", &GenerationConfig::repetition_penalty)
      .finish();
}

}  // namespace ufvideo::bindings
