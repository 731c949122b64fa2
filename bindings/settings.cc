#include "settings.h"

#include <pybind11/stl/filesystem.h>

#include "ufvideo/config.h"
#include "ufvideo/error.h"

namespace ufvideo::bindings {
namespace {

namespace py = pybind11;

constexpr std::size_t kMostShown = 200;

/// The value for a message; Python refuses to spell out an integer of thousands of digits.
std::string shown(py::handle value) {
  constexpr int kMostBits = 256;
  if (PyLong_Check(value.ptr())) {
    const auto bits = value.attr("bit_length")().cast<std::size_t>();
    if (bits > kMostBits) {
      return "a number of " + std::to_string(bits) + " bits";
    }
  }
  // Escaped, because a text may hold what is no Unicode.
  const py::str text = py::repr(value).attr("encode")("utf-8", "backslashreplace").attr("decode")();
  std::string bytes = text;
  if (py::len(text) > kMostShown) {
    bytes = py::str(text[py::slice(0, kMostShown, 1)]).cast<std::string>() + "...";
  }
  return bytes;
}

[[noreturn]] void refuse(const std::string& field, const std::string& expected, py::handle value) {
  throw Error(ErrorCode::kInvalidConfig,
              field + ": expected " + expected + ", got " + shown(value));
}

/// An integer of Python; a bool is none, and what can be read as one (__index__), such as an array
/// without dimensions, may change afterwards.
py::int_ as_integer(py::handle value, const std::string& field) {
  if (PyBool_Check(value.ptr()) || !PyLong_Check(value.ptr())) {
    refuse(field, "an integer", value);
  }
  return py::reinterpret_borrow<py::int_>(value);
}

/// A number too large for any C++ integer is refused with the setting's bounds too.
template <typename Number>
Number within(const py::int_& number, const std::string& field) {
  const auto [low, high] = integer_bounds(field);
  if (number < py::int_(low) || number > py::int_(high)) {
    refuse(field, "an integer from " + std::to_string(low) + " to " + std::to_string(high), number);
  }
  return number.cast<Number>();
}

}  // namespace

void read_setting(py::handle value, const std::string& field, bool& setting) {
  if (!PyBool_Check(value.ptr())) {
    refuse(field, "True or False", value);
  }
  setting = value.ptr() == Py_True;
}

void read_setting(py::handle value, const std::string& field, int& setting) {
  setting = within<int>(as_integer(value, field), field);
}

void read_setting(py::handle value, const std::string& field, std::uint64_t& setting) {
  setting = within<std::uint64_t>(as_integer(value, field), field);
}

void read_setting(py::handle value, const std::string& field, double& setting) {
  const bool is_number =
      PyFloat_Check(value.ptr()) || (PyLong_Check(value.ptr()) && !PyBool_Check(value.ptr()));
  if (!is_number) {
    refuse(field, "a finite number", value);
  }
  setting = PyFloat_AsDouble(value.ptr());
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    refuse(field, "a finite number", value);
  }
}

void read_setting(py::handle value, const std::string& field, std::string& setting) {
  if (!PyUnicode_Check(value.ptr())) {
    refuse(field, "a text such as '1'", value);
  }
  Py_ssize_t size = 0;
  const char* bytes = PyUnicode_AsUTF8AndSize(value.ptr(), &size);
  if (bytes == nullptr) {
    PyErr_Clear();
    refuse(field, "a text of Unicode characters", value);
  }
  setting.assign(bytes, static_cast<std::size_t>(size));
}

void read_setting(py::handle value, const std::string& field, std::filesystem::path& setting) {
  const bool is_path = PyUnicode_Check(value.ptr()) || py::hasattr(value, "__fspath__");
  if (!value.is_none() && !is_path) {
    refuse(field, "a path or None", value);
  }
  setting = value.is_none() ? std::filesystem::path() : value.cast<std::filesystem::path>();
}

void read_setting(py::handle value, const std::string& field, std::vector<std::string>& setting) {
  if (!PyTuple_Check(value.ptr())) {
    refuse(field, "a tuple of names", value);
  }
  setting.clear();
  for (const py::handle item : py::reinterpret_borrow<py::tuple>(value)) {
    if (!PyUnicode_Check(item.ptr())) {
      refuse(field, "a tuple of names", value);
    }
    read_setting(item, field, setting.emplace_back());
  }
}

std::map<std::string, py::object> setting_items(py::handle value, const std::string& field) {
  static constexpr const char* kExpected = "a mapping whose keys are texts";
  const py::object mapping = py::module_::import("collections.abc").attr("Mapping");
  if (!py::isinstance(value, mapping)) {
    refuse(field, kExpected, value);
  }
  std::map<std::string, py::object> items;
  for (const py::handle item : value.attr("items")()) {
    const auto pair = item.cast<std::pair<py::object, py::object>>();
    if (!PyUnicode_Check(pair.first.ptr())) {
      refuse(field, kExpected, value);
    }
    std::string key;
    read_setting(pair.first, field, key);
    items.emplace(std::move(key), pair.second);
  }
  return items;
}

}  // namespace ufvideo::bindings
