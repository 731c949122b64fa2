#pragma once

#include <onnxruntime_cxx_api.h>

#include <cstddef>
#include <filesystem>
#include <optional>

namespace ufvideo {

/// The process's one environment; its library is opened first where that has not happened yet.
/// Throws as open_onnxruntime does.
Ort::Env& onnxruntime_env(const std::filesystem::path& library);

/// One arena for all sessions on a GPU, as there is one for the CPU, made when it is first asked
/// for; a session that is opened before keeps its own. Only once CUDA has started: else ONNX
/// Runtime ends the process. Throws InvalidConfig where it has another limit already.
void share_device_arena(Ort::Env& env, int device_id, std::optional<std::size_t> limit_bytes);

}  // namespace ufvideo
