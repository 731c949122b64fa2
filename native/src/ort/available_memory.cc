#include "config/free_memory.h"
#include "ufvideo/runtime.h"

namespace ufvideo {

std::optional<std::size_t> available_memory_bytes() { return free_memory_bytes(); }

}  // namespace ufvideo
