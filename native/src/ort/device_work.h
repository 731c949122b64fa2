#pragma once

#include <shared_mutex>

namespace ufvideo {

/// Held shared by whatever works on a GPU, and alone by a run that captures a CUDA graph: any other
/// call that allocates or waits would break the capture off, of whatever thread and session.
inline std::shared_mutex& device_work() {
  static std::shared_mutex mutex;
  return mutex;
}

}  // namespace ufvideo
