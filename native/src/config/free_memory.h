#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

namespace ufvideo {

/// Bytes this process may still take: the least of what the kernel counts as available
/// (/proc/meminfo) and what is left of the limits of its control groups, all levels of version 2 or
/// the memory controller of version 1. Nothing where the system says neither.
///
/// @param root another folder than "/", for tests.
std::optional<std::size_t> free_memory_bytes(const std::filesystem::path& root = "/");

/// Gives memory that was freed, and that the C library keeps for later, back to the system.
void return_free_memory();

}  // namespace ufvideo
