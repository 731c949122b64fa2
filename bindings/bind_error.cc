#include <filesystem>
#include <new>
#include <string>

#include "module.h"
#include "readable.h"
#include "ufvideo/error.h"

namespace py = pybind11;

namespace ufvideo::bindings {
namespace {

const char* python_class(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidConfig:
      return "ConfigError";
    case ErrorCode::kInvalidInput:
      return "InputError";
    case ErrorCode::kInvalidPackage:
      return "PackageError";
    case ErrorCode::kUnsupportedPackage:
      return "PackageVersionError";
    case ErrorCode::kDeviceUnavailable:
      return "DeviceError";
    case ErrorCode::kOutOfMemory:
      return "CapacityError";
    case ErrorCode::kInferenceFailed:
      return "InferenceError";
    case ErrorCode::kInvalidState:
      return "StateError";
    case ErrorCode::kCancelled:
      return "CancelledError";
  }
  return "UFVideoError";
}

void set_error(ErrorCode code, const std::string& message) {
  const py::object type = py::module_::import("ufvideo_sdk.errors").attr(python_class(code));
  PyErr_SetObject(type.ptr(), readable(message).ptr());
}

}  // namespace

void bind_error(py::module_& /*module*/) {
  py::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) {
        std::rethrow_exception(pointer);
      }
    } catch (const Error& error) {
      set_error(error.code(), error.what());
    } catch (const std::bad_alloc&) {
      set_error(ErrorCode::kOutOfMemory, "expected free memory for the work, the system has none");
    } catch (const std::filesystem::filesystem_error& error) {
      // Files are read for packages only; a library that cannot be opened says so itself.
      set_error(ErrorCode::kInvalidPackage,
                std::string("expected a package that can be read, got: ") + error.what());
    }
  });
}

}  // namespace ufvideo::bindings
