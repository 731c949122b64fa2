#pragma once

#include <cstddef>
#include <memory>

namespace ufvideo {

/// Returns `bytes` (1 or more) of host memory, aligned to a cache line, or null if the system has
/// none. A large block is mapped by itself, so that the system gets it back as soon as it is freed:
/// an allocator keeps freed blocks for later, outside the memory budget, once in each of its
/// arenas.
std::shared_ptr<void> allocate_host_memory(std::size_t bytes);

}  // namespace ufvideo
