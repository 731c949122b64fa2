#include <pybind11/stl.h>

#include "arrays.h"
#include "gil.h"
#include "module.h"
#include "ufvideo/error.h"
#include "ufvideo/mask_runs.h"

namespace ufvideo::bindings {
namespace {

using Runs = std::vector<std::string>;

/// Number of pixels, left, top, width and height of each mask, int64 [F, 5].
Tensor extents(const Runs& runs, int height, int width) {
  const auto num_masks = static_cast<std::int64_t>(runs.size());
  Tensor found(DType::kInt64, {num_masks, 5});
  auto* row = found.data<std::int64_t>();
  for (std::int64_t i = 0; i < num_masks; ++i, row += 5) {
    try {
      const MaskExtent extent = mask_extent(runs[i], height, width);
      row[0] = extent.num_pixels;
      row[1] = extent.left;
      row[2] = extent.top;
      row[3] = extent.width;
      row[4] = extent.height;
    } catch (const Error& error) {
      throw Error(error.code(), "runs[" + std::to_string(i) + "]: " + error.what());
    }
  }
  return found;
}

/// Masks bool [F, H, W]; memory is taken when all codes are known to be whole.
Tensor decoded(const Runs& runs, int height, int width) {
  extents(runs, height, width);
  Tensor masks(DType::kBool, {static_cast<std::int64_t>(runs.size()), height, width});
  bool* mask = masks.data<bool>();
  for (const std::string& each : runs) {
    decode_mask_runs(each, height, width, mask);
    mask += static_cast<std::size_t>(height) * width;
  }
  return masks;
}

}  // namespace

void bind_mask_runs(py::module_& module) {
  module.def(
      "encode_mask",
      [](const py::array& mask) {
        const Tensor pixels = as_tensor(mask, DType::kBool, 2, "encode_mask: mask");
        const GilReleased released;
        return encode_mask_runs(pixels.data<bool>(), static_cast<int>(pixels.dim(0)),
                                static_cast<int>(pixels.dim(1)));
      },
      py::arg("mask"),
      "The counts of a COCO run-length code, of a mask bool [H, W].\n\n"
      "Raises InputError when H x W are not 1 to 2^28 pixels.");
  module.def(
      "decode_masks",
      [](const Runs& runs, int height, int width) {
        Tensor masks;
        {
          const GilReleased released;
          masks = decoded(runs, height, width);
        }
        return as_array(masks);
      },
      py::arg("runs"), py::arg("height"), py::arg("width"),
      "Masks bool [F, H, W] of F codes.\n\nRaises InputError as mask_extents.");
  module.def(
      "mask_extents",
      [](const Runs& runs, int height, int width) {
        Tensor found;
        {
          const GilReleased released;
          found = extents(runs, height, width);
        }
        return as_array(found);
      },
      py::arg("runs"), py::arg("height"), py::arg("width"),
      "Number of pixels, left, top, width and height of F masks, int64 [F, 5], without decoding "
      "them; all 0 for a mask without a pixel.\n\n"
      "Raises InputError when a code is malformed or does not fill height x width.");
}

}  // namespace ufvideo::bindings
