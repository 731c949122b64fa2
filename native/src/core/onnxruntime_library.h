#pragma once

#include <onnxruntime_cxx_api.h>

#include <filesystem>

namespace ufvideo {

/// The process's one environment; its library is opened first where that has not happened yet.
/// Throws as open_onnxruntime does.
Ort::Env& onnxruntime_env(const std::filesystem::path& library);

}  // namespace ufvideo
