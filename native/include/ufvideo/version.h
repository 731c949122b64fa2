#pragma once

#include <string_view>

namespace ufvideo {

/// Version of this library, such as "0.1.0": that of pyproject.toml, of the Python package and of
/// `find_package(ufvideo)`.
std::string_view version();

}  // namespace ufvideo
