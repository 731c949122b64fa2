#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ufvideo {

/// The libraries that a shared library names as those it needs (DT_NEEDED), such as
/// "libcudart.so.13", read from the file: it may be one that cannot be loaded. What is no shared
/// library of this machine's kind needs none.
std::vector<std::string> needed_libraries(const std::filesystem::path& library);

}  // namespace ufvideo
