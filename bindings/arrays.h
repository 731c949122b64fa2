#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <cstdint>
#include <string>
#include <vector>

#include "ufvideo/tensor.h"

namespace py = pybind11;

namespace ufvideo::bindings {

/// The tensor over an array's own memory. Throws InvalidInput unless the array is C-contiguous and
/// of exactly this dtype and number of dimensions.
Tensor as_tensor(const py::array& array, DType dtype, py::ssize_t num_dimensions,
                 const char* where);

/// An array over a tensor's memory, which it keeps alive.
py::array as_array(const Tensor& tensor);
/// The same for memory that the native side goes on reading.
py::array as_read_only_array(const Tensor& tensor);

}  // namespace ufvideo::bindings
