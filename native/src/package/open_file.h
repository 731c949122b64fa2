#pragma once

#include <filesystem>
#include <fstream>

namespace ufvideo {

/// Opens a file of a package for reading. Throws InvalidPackage when it cannot be read, and
/// OutOfMemory when there is no file descriptor left to read it with.
std::ifstream open_file(const std::filesystem::path& path);

}  // namespace ufvideo
