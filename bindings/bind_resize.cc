#include <cstring>

#include "arrays.h"
#include "gil.h"
#include "module.h"
#include "ufvideo/resize.h"

namespace ufvideo::bindings {

void bind_resize(py::module_& module) {
  module.def(
      "resize_bicubic",
      [](const py::array& frames, int height, int width, int num_threads, bool use_vectors) {
        const Tensor in = as_tensor(frames, DType::kUint8, 4, "resize_bicubic: frames");
        Tensor out;
        {
          const GilReleased released;
          out = resize_bicubic(in, height, width, {num_threads, use_vectors});
          if (out.raw() == in.raw()) {
            // The same size gives the same memory, which is the caller's to write to.
            out = Tensor(in.dtype(), in.shape());
            std::memcpy(out.raw(), in.raw(), in.bytes());
          }
        }
        return as_array(out);
      },
      py::arg("frames"), py::arg("height"), py::arg("width"), py::kw_only(),
      py::arg("num_threads") = 1, py::arg("use_vectors") = true,
      "Resize uint8 [T, H, W, 3] to uint8 [T, height, width, 3] as Pillow's bicubic, bit for bit, "
      "whatever the threads and whether AVX2 or NEON is used.");
}

}  // namespace ufvideo::bindings
