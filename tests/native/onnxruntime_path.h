#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace ufvideo {

/// The library the tests open. Without it they fail rather than pass by skipping.
inline std::filesystem::path onnxruntime_path() {
  const char* path = std::getenv("UFVIDEO_ONNXRUNTIME_LIBRARY");
  if (path == nullptr || *path == '\0') {
    throw std::runtime_error(
        "set UFVIDEO_ONNXRUNTIME_LIBRARY to libonnxruntime.so of an installed onnxruntime "
        "(in the environment, or with cmake -DUFVIDEO_ONNXRUNTIME_LIBRARY=...)");
  }
  return path;
}

}  // namespace ufvideo
