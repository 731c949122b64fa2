#include "ort/telemetry.h"

#include <cstdlib>
#include <string_view>

namespace ufvideo {
namespace {

constexpr const char* kVariable = "ORT_DISABLE_TELEMETRY";
constexpr const char* kOff = "1";

}  // namespace

void turn_off_telemetry() {
  // Setting a variable while another thread reads the environment is a race, so that it is left
  // alone where it is right already (the Python package sets it when it is imported).
  const char* value = std::getenv(kVariable);
  if (value == nullptr || std::string_view(value) != kOff) {
    setenv(kVariable, kOff, 1);
  }
}

}  // namespace ufvideo
