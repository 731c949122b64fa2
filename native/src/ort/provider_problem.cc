#include "ort/provider_problem.h"

#include <dlfcn.h>

#include <system_error>

#include "base/error_message.h"
#include "ort/needed_libraries.h"

namespace ufvideo {
namespace {

constexpr const char* kDriver =
    "install NVIDIA's driver (a container sees it when started with --gpus all); nvidia-smi shows "
    "whether it works";
constexpr const char* kDriverLibrary = "libcuda.so.1";

/// ONNX Runtime looks for its providers beside itself.
std::filesystem::path provider_file(const std::string& provider,
                                    const std::filesystem::path& library) {
  return library.parent_path() / ("libonnxruntime_providers_" + provider + ".so");
}

/// What the dynamic linker says against a library; empty when it can be loaded, and then it stays:
/// ONNX Runtime's providers register themselves while they load, and must not go away again.
std::string loading_problem(const std::string& library) {
  dlerror();
  // Now: a symbol that is missed later would end the process.
  if (dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL) != nullptr) {
    return "";
  }
  const char* said = dlerror();
  return said == nullptr ? "it cannot be loaded" : said;
}

/// "libcudart.so.13" of "libcudart.so.13: cannot open shared object file: ...".
std::optional<std::string> missing_library(const std::string& said) {
  const std::size_t colon = said.find(": cannot open shared object file");
  if (colon == std::string::npos) {
    return std::nullopt;
  }
  const std::size_t before = said.find_last_of(" /", colon);
  const std::size_t begin = before == std::string::npos ? 0 : before + 1;
  return said.substr(begin, colon - begin);
}

/// Another major version of a library that the machine has, such as "libcudart.so.12".
std::optional<std::string> other_version(const std::string& soname) {
  const std::size_t suffix = soname.find(".so.");
  if (suffix == std::string::npos) {
    return std::nullopt;
  }
  const std::string stem = soname.substr(0, suffix + 4);
  constexpr int kNewest = 16;
  for (int major = kNewest; major > 0; --major) {
    std::string other = stem + std::to_string(major);
    void* handle = other == soname ? nullptr : dlopen(other.c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (handle != nullptr) {
      dlclose(handle);
      return other;
    }
  }
  return std::nullopt;
}

#ifndef __aarch64__
/// "13" of "libcudart.so.13"; empty where no number follows.
std::string major_version(const std::string& soname) {
  const std::size_t suffix = soname.find(".so.");
  if (suffix == std::string::npos) {
    return "";
  }
  const std::size_t begin = suffix + 4;
  return soname.substr(begin, soname.find_first_not_of("0123456789", begin) - begin);
}

/// The wheels of the TensorRT and for the CUDA that a provider was built for.
std::string mend_for_tensorrt(const std::string& soname, const std::filesystem::path& provider) {
  std::string package = "tensorrt";
  for (const std::string& needed : needed_libraries(provider)) {
    // Of CUDA's libraries the one whose number is CUDA's.
    if (needed.rfind("libcudart.so.", 0) == 0) {
      package += "-cu" + major_version(needed);
    }
  }
  const std::string major = major_version(soname);
  return major.empty() ? "pip install " + package
                       : message("pip install \"", package, "==", major, ".*\"");
}
#endif

/// The command that installs a shared library that a provider needs.
std::string mend_for_library(const std::string& soname, const std::filesystem::path& provider) {
  if (soname == kDriverLibrary) {
    return kDriver;
  }
  const auto begins = [&](const char* text) { return soname.rfind(text, 0) == 0; };
  const bool of_tensorrt = begins("libnvinfer") || begins("libnvonnxparser");
#ifdef __aarch64__
  (void)provider;
  return message("sudo apt install nvidia-jetpack, which has ",
                 of_tensorrt ? "TensorRT" : "CUDA and cuDNN", " (docs/jetson.md)");
#else
  return of_tensorrt ? mend_for_tensorrt(soname, provider)
                     : "pip install \"onnxruntime-gpu[cuda,cudnn]\"";
#endif
}

ProviderProblem missing_library_problem(const std::filesystem::path& provider,
                                        const std::string& soname) {
  std::string what = message(provider.filename().string(), " needs ", soname);
  if (const std::optional<std::string> other = other_version(soname)) {
    what += message(", the machine has ", *other, ", a version it was not built for");
  } else {
    what += ", which is not there";
  }
  std::string mend = mend_for_library(soname, provider);
  if (soname != kDriverLibrary && !loading_problem(kDriverLibrary).empty()) {
    what += message(", nor is NVIDIA's driver (", kDriverLibrary, ")");
    mend += message("; and ", kDriver);
  }
  return {what, mend};
}

/// What CUDA said while the provider started.
ProviderProblem start_problem(const std::string& provider, const std::string& said) {
  const auto says = [&](const char* text) { return said.find(text) != std::string::npos; };
  std::string mend = "see what `ufvideo doctor` says of this machine";
  if (says("driver version is insufficient") || says("CUDA failure 35")) {
    mend = "update NVIDIA's driver, which is older than CUDA's libraries";
  } else if (says("no CUDA-capable device") || says("CUDA failure 100")) {
    mend = kDriver;
  } else if (says("invalid device ordinal") || says("CUDA failure 101")) {
    mend = "set device_id to a GPU that nvidia-smi lists";
  }
  return {message("ONNX Runtime could not start \"", provider, "\": ", said), mend};
}

}  // namespace

const char* mend_for_provider() {
#ifdef __aarch64__
  return "take the wheel that docs/jetson.md names";
#else
  return "pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'ufvideo-sdk[cuda]'";
#endif
}

std::optional<ProviderProblem> missing_provider_file(const std::string& provider,
                                                     const std::filesystem::path& library) {
  for (const std::string& name : {std::string("shared"), provider}) {
    const std::filesystem::path path = provider_file(name, library);
    std::error_code error;
    if (!std::filesystem::exists(path, error)) {
      return ProviderProblem{message(path.string(), " is missing"), mend_for_provider()};
    }
  }
  return std::nullopt;
}

ProviderProblem provider_problem(const std::string& provider, const std::filesystem::path& library,
                                 const std::string& said) {
  const std::filesystem::path path = provider_file(provider, library);
  const std::string problem = loading_problem(path.string());
  if (problem.empty()) {
    return start_problem(provider, said);
  }
  if (const std::optional<std::string> soname = missing_library(problem)) {
    return missing_library_problem(path, *soname);
  }
  return {message(path.filename().string(), " does not fit this machine's libraries: ", problem),
          mend_for_library("libcudart", path)};
}

}  // namespace ufvideo
