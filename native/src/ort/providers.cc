#include "ort/providers.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/error_message.h"
#include "ort/onnxruntime_library.h"
#include "ort/ort_device_memory.h"
#include "ort/provider_options.h"
#include "ort/provider_problem.h"
#include "ufvideo/runtime.h"

namespace ufvideo {
namespace {

constexpr const char* kCpu = "cpu";
constexpr const char* kCuda = "cuda";
constexpr const char* kTensorRt = "tensorrt";

std::atomic<bool> cpu_is_device{false};

/// The provider's name as ONNX Runtime spells it.
const char* onnxruntime_name(const std::string& provider) {
  if (provider == kTensorRt) {
    return "TensorrtExecutionProvider";
  }
  return provider == kCuda ? "CUDAExecutionProvider" : "CPUExecutionProvider";
}

/// Names and values as the C interface takes them.
struct OptionLists {
  explicit OptionLists(const ProviderOptions& options) {
    for (const auto& [name, value] : options) {
      names.push_back(name.c_str());
      values.push_back(value.c_str());
    }
  }
  std::vector<const char*> names;
  std::vector<const char*> values;
};

void append_cuda(Ort::SessionOptions& session, const ProviderOptions& options) {
  const OrtApi& api = Ort::GetApi();
  OrtCUDAProviderOptionsV2* raw = nullptr;
  Ort::ThrowOnError(api.CreateCUDAProviderOptions(&raw));
  const std::unique_ptr<OrtCUDAProviderOptionsV2, void (*)(OrtCUDAProviderOptionsV2*)> cuda(
      raw,
      [](OrtCUDAProviderOptionsV2* owned) { Ort::GetApi().ReleaseCUDAProviderOptions(owned); });
  const OptionLists lists(options);
  Ort::ThrowOnError(api.UpdateCUDAProviderOptions(cuda.get(), lists.names.data(),
                                                  lists.values.data(), lists.names.size()));
  session.AppendExecutionProvider_CUDA_V2(*cuda);
}

void append_tensorrt(Ort::SessionOptions& session, const ProviderOptions& options) {
  const OrtApi& api = Ort::GetApi();
  OrtTensorRTProviderOptionsV2* raw = nullptr;
  Ort::ThrowOnError(api.CreateTensorRTProviderOptions(&raw));
  const std::unique_ptr<OrtTensorRTProviderOptionsV2, void (*)(OrtTensorRTProviderOptionsV2*)>
      tensorrt(raw, [](OrtTensorRTProviderOptionsV2* owned) {
        Ort::GetApi().ReleaseTensorRTProviderOptions(owned);
      });
  const OptionLists lists(options);
  Ort::ThrowOnError(api.UpdateTensorRTProviderOptions(tensorrt.get(), lists.names.data(),
                                                      lists.values.data(), lists.names.size()));
  session.AppendExecutionProvider_TensorRT_V2(*tensorrt);
}

void append(Ort::SessionOptions& session, const std::string& provider,
            const ProviderOptions& options) {
  if (provider == kTensorRt) {
    append_tensorrt(session, options);
  } else if (provider == kCuda) {
    append_cuda(session, options);
  }
}

/// The memory of a provider that has started: opening the smallest graph with that provider and
/// nothing else starts it.
DevicePtr start(Ort::Env& env, const std::string& provider, int device_id) {
  Ort::SessionOptions session;
  session.AddConfigEntry("session.use_env_allocators", "1");
  session.SetIntraOpNumThreads(1);
  ProviderOptions options = default_options(provider, device_id);
  if (provider == kTensorRt) {
    // Starting it is enough: an engine takes seconds.
    options["trt_min_subgraph_size"] = "1000";
  }
  append(session, provider, options);
  Ort::MemoryInfo memory =
      provider == kCpu ? Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault)
                       : Ort::MemoryInfo("Cuda", OrtArenaAllocator, device_id, OrtMemTypeDefault);
  return std::make_shared<const OrtDeviceMemory>(env, session, std::move(memory));
}

/// What came of starting a provider.
struct Start {
  DevicePtr memory;
  std::optional<ProviderProblem> problem;
};

Start try_to_start(const std::filesystem::path& library, const std::string& provider, int device_id,
                   std::optional<std::size_t> limit_bytes) {
  const OnnxRuntimeFacts facts = open_onnxruntime(library);
  const std::string name = onnxruntime_name(provider);
  if (std::find(facts.providers.begin(), facts.providers.end(), name) == facts.providers.end()) {
    return {nullptr, ProviderProblem{message("ONNX Runtime ", facts.version, " at ",
                                             facts.library.string(), " has no ", name),
                                     mend_for_provider()}};
  }
  if (std::optional<ProviderProblem> problem = missing_provider_file(provider, facts.library)) {
    return {nullptr, problem};
  }
  try {
    Ort::Env& env = onnxruntime_env(library);
    start(env, provider, device_id);
    if (provider != kCuda) {
      return {nullptr, std::nullopt};
    }
    // Only now: where CUDA is not there, ONNX Runtime ends the process over an arena for it.
    share_device_arena(env, device_id, limit_bytes);
    return {start(env, provider, device_id), std::nullopt};
  } catch (const Ort::Exception& error) {
    const std::string what = error.what();
    if (says_out_of_memory(what)) {
      // That passes: it is not remembered.
      fail(ErrorCode::kOutOfMemory, "providers: expected free memory on GPU ", device_id,
           " to start \"", provider, "\", ONNX Runtime said: ", what);
    }
    return {nullptr, provider_problem(provider, facts.library, what)};
  }
}

/// Tried once for the process: its libraries do not change any more.
Start started(const std::filesystem::path& library, const std::string& provider, int device_id,
              std::optional<std::size_t> limit_bytes) {
  static std::mutex mutex;
  // Never destroyed, as ONNX Runtime's environment.
  static auto& known = *new std::map<std::pair<std::string, int>, Start>;
  const std::lock_guard<std::mutex> lock(mutex);
  const std::pair<std::string, int> key{provider, device_id};
  auto found = known.find(key);
  if (found == known.end()) {
    found = known.emplace(key, try_to_start(library, provider, device_id, limit_bytes)).first;
  }
  return found->second;
}

Start started(const std::string& provider, const RuntimeConfig& config) {
  Start found = started(config.onnxruntime_library, provider, config.device_id,
                        config.device_memory_limit_bytes);
  if (found.memory) {
    // It may have started with another limit.
    share_device_arena(onnxruntime_env(config.onnxruntime_library), config.device_id,
                       config.device_memory_limit_bytes);
  }
  return found;
}

std::optional<ProviderProblem> problem_of(const std::string& provider,
                                          const RuntimeConfig& config) {
  return provider == kCpu ? std::nullopt : started(provider, config).problem;
}

StageProviders choose(const std::string& stage, const RuntimeConfig& config) {
  StageProviders chosen;
  for (const std::string& provider : config.providers_of(stage)) {
    const std::optional<ProviderProblem> problem = problem_of(provider, config);
    if (!problem) {
      chosen.used.push_back(provider);
      continue;
    }
    const std::string reason = message(problem->what, "; ", problem->mend);
    if (!config.allow_fallback) {
      fail(ErrorCode::kDeviceUnavailable, "providers: expected \"", provider, "\" to start, but ",
           reason);
    }
    chosen.left_out.emplace(provider, reason);
  }
  if (chosen.used.empty()) {
    std::string reasons;
    for (const auto& [provider, problem] : chosen.left_out) {
      reasons += message(reasons.empty() ? "" : "; and ", "\"", provider, "\": ", problem);
    }
    fail(ErrorCode::kDeviceUnavailable,
         "providers: expected one that can start (\"cpu\" always can), none could: ", reasons);
  }
  return chosen;
}

}  // namespace

std::optional<ProviderProblem> find_provider_problem(const std::filesystem::path& library,
                                                     const std::string& provider, int device_id) {
  return provider == kCpu ? std::nullopt
                          : started(library, provider, device_id, std::nullopt).problem;
}

void take_the_cpu_for_a_device(bool is_device) { cpu_is_device = is_device; }

DevicePtr device_of(const StageProviders& providers, const RuntimeConfig& config) {
  if (providers.used.front() != kCpu) {
    // TensorRT's memory is CUDA's.
    return started(kCuda, config).memory;
  }
  return cpu_is_device ? start(onnxruntime_env(config.onnxruntime_library), kCpu, 0) : nullptr;
}

StageProviders append_providers(Ort::SessionOptions& options, const std::string& stage,
                                const RuntimeConfig& config) {
  StageProviders chosen = choose(stage, config);
  for (const std::string& provider : chosen.used) {
    try {
      append(options, provider, session_options_of(stage, provider, config));
    } catch (const Ort::Exception& error) {
      fail(ErrorCode::kInvalidConfig, stage, ": expected options that \"", provider,
           "\" has (provider_options, stage_provider_options), ONNX Runtime said: ", error.what());
    }
  }
  if (chosen.used.back() != kCpu) {
    // Else ONNX Runtime would take the CPU for the rest without a word.
    options.AddConfigEntry("session.disable_cpu_ep_fallback", "1");
  }
  return chosen;
}

}  // namespace ufvideo
