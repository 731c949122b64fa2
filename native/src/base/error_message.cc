#include "base/error_message.h"

namespace ufvideo {

std::string joined(const std::vector<std::string>& names, const char* quote) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + (quote + name + quote);
  }
  return text;
}

bool says_out_of_memory(const std::string& what) {
  for (const char* sign : {"allocate memory", "bad_alloc", "out of memory", "Out of memory",
                           "Available memory of", "CUDA failure 2:", "pthread_create failed",
                           "Too many open files", "system error number 24"}) {
    if (what.find(sign) != std::string::npos) {
      return true;
    }
  }
  return false;
}

}  // namespace ufvideo
