#include "module.h"
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
  }
  return "UFVideoError";
}

}  // namespace

void bind_error(py::module_& /*module*/) {
  py::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) {
        std::rethrow_exception(pointer);
      }
    } catch (const Error& error) {
      const py::object type =
          py::module_::import("ufvideo_sdk.errors").attr(python_class(error.code()));
      py::set_error(type, error.what());
    }
  });
}

}  // namespace ufvideo::bindings
