#pragma once

#include <pybind11/pybind11.h>

#include <string>

namespace ufvideo::bindings {

/// Text of the native side, in which ONNX Runtime quotes names of a graph and paths: what is not
/// UTF-8 becomes `\xff`, where decoding strictly would raise another error in place of this one.
inline pybind11::str readable(const std::string& text) {
  PyObject* decoded =
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "backslashreplace");
  if (decoded == nullptr) {
    throw pybind11::error_already_set();
  }
  return pybind11::reinterpret_steal<pybind11::str>(decoded);
}

}  // namespace ufvideo::bindings
