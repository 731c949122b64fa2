#include "ufvideo/available_memory.h"

#include "config/free_memory.h"

namespace ufvideo {

std::optional<std::size_t> available_memory_bytes() { return free_memory_bytes(); }

}  // namespace ufvideo
