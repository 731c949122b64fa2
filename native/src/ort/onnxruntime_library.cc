#include "ort/onnxruntime_library.h"

#include <dlfcn.h>

#include <charconv>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/error_message.h"
#include "ort/telemetry.h"
#include "ufvideo/runtime.h"

namespace ufvideo {
namespace {

constexpr const char* kMend = "install a newer one: pip install \"onnxruntime>=1.22\"";

struct OpenLibrary {
  std::filesystem::path path;
  std::string version;
  // Never destroyed: sessions of other static objects may outlive it, and ONNX Runtime's own
  // threads must not be joined while the process exits.
  Ort::Env* env;
};

std::mutex open_mutex;
OpenLibrary* open_library = nullptr;

std::filesystem::path resolved(const std::filesystem::path& library) {
  if (library.empty()) {
    fail(ErrorCode::kDeviceUnavailable,
         "expected the path of libonnxruntime, got none; install it (pip install "
         "\"onnxruntime>=1.22\") or set RuntimeConfig.onnxruntime_library");
  }
  std::error_code error;
  std::filesystem::path path = std::filesystem::canonical(library, error);
  // To open a FIFO would wait for a writer.
  if (error || !std::filesystem::is_regular_file(path, error)) {
    fail(ErrorCode::kDeviceUnavailable, "expected ONNX Runtime 1.22 or newer at ", library.string(),
         ", found no file there; install it: pip install \"onnxruntime>=1.22\"");
  }
  return path;
}

const OrtApiBase* load_api_base(const std::filesystem::path& path) {
  turn_off_telemetry();
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const std::string problem = dlerror();
    if (says_out_of_memory(problem)) {
      fail(ErrorCode::kOutOfMemory, "expected memory and a file descriptor to open ", path.string(),
           ", got: ", problem);
    }
    fail(ErrorCode::kDeviceUnavailable, "expected a loadable ONNX Runtime 1.22 or newer at ",
         path.string(), ", got: ", problem, "; ", kMend);
  }
  using GetApiBase = const OrtApiBase*(ORT_API_CALL*)();
  auto get_api_base = reinterpret_cast<GetApiBase>(dlsym(handle, "OrtGetApiBase"));
  if (get_api_base == nullptr) {
    dlclose(handle);
    fail(ErrorCode::kDeviceUnavailable, "expected ONNX Runtime 1.22 or newer, ", path.string(),
         " is another library (it has no OrtGetApiBase); ", kMend);
  }
  return get_api_base();
}

/// Whether a version such as "1.20.1" is known to lack what we need.
bool is_too_old(const std::string& version) {
  const char* end = version.data() + version.size();
  int major = 0;
  int minor = 0;
  const auto [dot, error] = std::from_chars(version.data(), end, major);
  if (error != std::errc() || dot == end ||
      std::from_chars(dot + 1, end, minor).ec != std::errc()) {
    return false;
  }
  return major < 1 || (major == 1 && minor < kMinOnnxRuntimeMinor);
}

/// One arena for the activations of all graphs, which run one after the other: the language model
/// then works in the memory that the aligner has left, instead of beside it.
void share_arena(Ort::Env& env) {
  const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  constexpr int kDefault = -1;
  const Ort::ArenaCfg arena(0, kDefault, kDefault, kDefault);
  env.CreateAndRegisterAllocator(memory, arena);
}

OpenLibrary* load(const std::filesystem::path& path) {
  const OrtApiBase* base = load_api_base(path);
  const std::string version = base->GetVersionString();
  // Asked for an API version it lacks, ONNX Runtime prints to stderr: look at its version first.
  const OrtApi* api = is_too_old(version) ? nullptr : base->GetApi(kOnnxRuntimeApi);
  if (api == nullptr) {
    fail(ErrorCode::kDeviceUnavailable, "expected ONNX Runtime 1.22 or newer, found ", version,
         " at ", path.string(), "; ", kMend);
  }
  Ort::InitApi(api);
  try {
    // Errors come as exceptions; a library does not write to stderr.
    auto env = std::make_unique<Ort::Env>(ORT_LOGGING_LEVEL_FATAL, "ufvideo");
    env->DisableTelemetryEvents();
    share_arena(*env);
    return new OpenLibrary{path, version, env.release()};
  } catch (const Ort::Exception& error) {
    fail(ErrorCode::kDeviceUnavailable, "expected ONNX Runtime ", version, " at ", path.string(),
         " to start, it said: ", error.what());
  }
}

const OpenLibrary& ensure_open(const std::filesystem::path& library) {
  const std::filesystem::path path = resolved(library);
  const std::lock_guard<std::mutex> lock(open_mutex);
  if (open_library == nullptr) {
    open_library = load(path);
  } else if (open_library->path != path) {
    fail(ErrorCode::kInvalidConfig, "expected one ONNX Runtime in this process, ",
         open_library->path.string(), " (", open_library->version, ") is open already, asked for ",
         path.string());
  }
  return *open_library;
}

}  // namespace

Ort::Env& onnxruntime_env(const std::filesystem::path& library) {
  return *ensure_open(library).env;
}

void share_device_arena(Ort::Env& env, int device_id, std::optional<std::size_t> limit_bytes) {
  static std::mutex mutex;
  static std::map<int, std::optional<std::size_t>> limits;
  const auto described = [](std::optional<std::size_t> limit) {
    return limit ? std::to_string(*limit) : std::string("none");
  };
  const std::lock_guard<std::mutex> lock(mutex);
  const auto known = limits.find(device_id);
  if (known == limits.end()) {
    const Ort::MemoryInfo memory("Cuda", OrtArenaAllocator, device_id, OrtMemTypeDefault);
    constexpr int kDefault = -1;
    constexpr int kSameAsRequested = 1;
    const Ort::ArenaCfg arena(limit_bytes.value_or(std::numeric_limits<std::size_t>::max()),
                              kSameAsRequested, kDefault, kDefault);
    env.CreateAndRegisterAllocatorV2("CUDAExecutionProvider", memory,
                                     {{"device_id", std::to_string(device_id)}}, arena);
    limits.emplace(device_id, limit_bytes);
  } else if (known->second != limit_bytes) {
    fail(ErrorCode::kInvalidConfig, "device_memory_limit_bytes: expected one bound for GPU ",
         device_id, " in this process, ", described(known->second), " holds already, got ",
         described(limit_bytes));
  }
}

OnnxRuntimeFacts open_onnxruntime(const std::filesystem::path& library) {
  const OpenLibrary& opened = ensure_open(library);
  return {opened.version, opened.path, Ort::GetAvailableProviders()};
}

}  // namespace ufvideo
