#include "ufvideo/version.h"

namespace ufvideo {

std::string version() { return UFVIDEO_VERSION; }

}  // namespace ufvideo
