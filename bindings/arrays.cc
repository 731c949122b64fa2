#include "arrays.h"

#include "gil.h"
#include "ufvideo/error.h"

namespace ufvideo::bindings {
namespace {

py::dtype numpy_dtype(DType dtype) { return py::dtype(std::string(dtype_name(dtype))); }

std::string described(const py::array& array) {
  std::string text = py::str(array.dtype());
  Shape shape(array.shape(), array.shape() + array.ndim());
  text += " " + shape_string(shape);
  if ((array.flags() & py::array::c_style) == 0) {
    text += " (not C-contiguous)";
  }
  return text;
}

}  // namespace

Tensor as_tensor(const py::array& array, DType dtype, py::ssize_t num_dimensions,
                 const char* where) {
  const bool fits = array.dtype().equal(numpy_dtype(dtype)) && array.ndim() == num_dimensions &&
                    (array.flags() & py::array::c_style) != 0;
  if (!fits) {
    throw Error(ErrorCode::kInvalidInput, std::string(where) + ": expected a C-contiguous " +
                                              dtype_name(dtype) + " array of " +
                                              std::to_string(num_dimensions) + " dimensions, got " +
                                              described(array));
  }
  // The owner takes the GIL to let go: the tensor may die on any thread.
  auto* kept = new py::array(array);
  const std::shared_ptr<void> owner(kept, [](void* pointer) {
    const GilAcquired gil;
    delete static_cast<py::array*>(pointer);
  });
  return Tensor(dtype, Shape(array.shape(), array.shape() + array.ndim()),
                const_cast<void*>(array.data()), owner);
}

py::array as_array(const Tensor& tensor) {
  auto* kept = new Tensor(tensor.on_host());
  const py::capsule owner(kept, [](void* pointer) { delete static_cast<Tensor*>(pointer); });
  return py::array(numpy_dtype(tensor.dtype()), tensor.shape(), kept->raw(), owner);
}

py::array as_read_only_array(const Tensor& tensor) {
  py::array array = as_array(tensor);
  array.attr("setflags")(py::arg("write") = false);
  return array;
}

}  // namespace ufvideo::bindings
