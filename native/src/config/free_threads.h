#pragma once

namespace ufvideo {

/// Starts this many threads at once and ends them again. ONNX Runtime waits forever for a pool of
/// which it could create some threads and not the rest, so that a session is opened only after
/// this. Throws OutOfMemory when the system refuses one of them.
void require_threads(int count);

}  // namespace ufvideo
