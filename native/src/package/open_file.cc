#include "package/open_file.h"

#include <cerrno>
#include <cstring>

#include "base/error_message.h"

namespace ufvideo {

std::ifstream open_file(const std::filesystem::path& path) {
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    const int problem = errno;
    if (problem == EMFILE || problem == ENFILE) {
      fail(ErrorCode::kOutOfMemory, "expected a free file descriptor to read ", path.string(),
           " with, got: ", std::strerror(problem), "; close files or raise the limit (ulimit -n)");
    }
    fail(ErrorCode::kInvalidPackage, "expected a readable file ", path.string(),
         ", got: ", problem == 0 ? "a failure" : std::strerror(problem));
  }
  return stream;
}

}  // namespace ufvideo
