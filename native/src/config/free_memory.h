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

}  // namespace ufvideo
