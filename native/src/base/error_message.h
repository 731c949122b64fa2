#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "ufvideo/error.h"

namespace ufvideo {

/// Joins the parts of a message: `message("expected ", 3, ", got ", n)`.
template <typename... Parts>
std::string message(const Parts&... parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return stream.str();
}

/// Throws Error of this code with the parts joined to one message.
template <typename... Parts>
[[noreturn]] void fail(ErrorCode code, const Parts&... parts) {
  throw Error(code, message(parts...));
}

/// Lists names for a message: `a, b`; with a quote `"a", "b"`.
std::string joined(const std::vector<std::string>& names, const char* quote = "");

/// Whether a message of ONNX Runtime or the system says that memory ran out, of the host or of a
/// device, or threads or file descriptors did.
bool says_out_of_memory(const std::string& what);

}  // namespace ufvideo
