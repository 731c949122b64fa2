#include "ufvideo/version.h"

namespace ufvideo {

std::string_view version() { return UFVIDEO_VERSION; }

}  // namespace ufvideo
