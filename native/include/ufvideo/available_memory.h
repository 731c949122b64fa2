#pragma once

#include <cstddef>
#include <optional>

namespace ufvideo {

/// Returns the bytes that this process may still take, of the machine's memory and of its control
/// groups' limits; nullopt if the system says neither.
std::optional<std::size_t> available_memory_bytes();

}  // namespace ufvideo
