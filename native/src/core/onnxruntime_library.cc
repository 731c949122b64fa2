#include "core/onnxruntime_library.h"

#include <dlfcn.h>

#include <charconv>
#include <memory>
#include <mutex>

#include "core/error_message.h"
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
  if (error) {
    fail(ErrorCode::kDeviceUnavailable, "expected ONNX Runtime 1.22 or newer at ", library.string(),
         ", found no file there; install it: pip install \"onnxruntime>=1.22\"");
  }
  return path;
}

const OrtApiBase* load_api_base(const std::filesystem::path& path) {
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    fail(ErrorCode::kDeviceUnavailable, "expected a loadable ONNX Runtime 1.22 or newer at ",
         path.string(), ", got: ", dlerror(), "; ", kMend);
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

OnnxRuntimeFacts open_onnxruntime(const std::filesystem::path& library) {
  const OpenLibrary& opened = ensure_open(library);
  return {opened.version, opened.path, Ort::GetAvailableProviders()};
}

}  // namespace ufvideo
