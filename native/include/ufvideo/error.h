#pragma once

#include <stdexcept>
#include <string>

namespace ufvideo {

/// The families of failure. Each maps to exactly one Python exception class.
enum class ErrorCode {
  kInvalidConfig,
  kInvalidInput,
  kInvalidPackage,
  kUnsupportedPackage,
  kDeviceUnavailable,
  kOutOfMemory,
  kInferenceFailed,
  kInvalidState,
  /// The call was cancelled and has no result to return.
  kCancelled,
};

/// The one exception of the library. Its message says what was expected, what came, and where.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace ufvideo
