#include "arrays.h"
#include "gil.h"
#include "module.h"
#include "ufvideo/feature_store.h"
#include "ufvideo/model.h"
#include "ufvideo/pixel_cache.h"

namespace ufvideo::bindings {

void bind_frame_stores(py::module_& module) {
  py::class_<FeatureStore, std::shared_ptr<FeatureStore>>(
      module, "FeatureStore",
      "Features of the frames of one source, shared by the sessions that are given it.")
      .def(py::init([](const std::shared_ptr<Model>& model) {
             return std::make_shared<FeatureStore>(*model);
           }),
           py::arg("model"))
      .def("holds_mask", &FeatureStore::holds_mask, py::arg("frame_idx"),
           "Whether SAM 2 features of a frame are kept.")
      .def_property_readonly("vision_bytes", &FeatureStore::vision_bytes)
      .def_property_readonly("mask_bytes", &FeatureStore::mask_bytes)
      .def("clear", &FeatureStore::clear, py::call_guard<GilReleased>(),
           "Drop everything: the indices are those of another source from now on.");
  py::class_<PixelCache>(module, "PixelCache", "Pixels kept of frames of one clip.")
      .def(py::init([](const std::shared_ptr<Model>& model) {
             return std::make_unique<PixelCache>(*model);
           }),
           py::arg("model"))
      .def(
          "keep",
          [](PixelCache& self, std::int64_t frame_idx, const py::array& frame) {
            const Tensor pixels = as_tensor(frame, DType::kUint8, 3, "pixel cache: frame");
            const GilReleased released;
            self.keep(frame_idx, pixels);
          },
          py::arg("frame_idx"), py::arg("frame"),
          "Copy a frame, uint8 [H, W, 3], if there is room for it.")
      .def(
          "read",
          [](const PixelCache& self, std::int64_t frame_idx, const py::array& frame) {
            Tensor pixels = as_tensor(frame, DType::kUint8, 3, "pixel cache: frame");
            const GilReleased released;
            return self.read(frame_idx, pixels);
          },
          py::arg("frame_idx"), py::arg("frame"),
          "Write the frame to an array of its size, uint8 [H, W, 3]; False if it is not kept.")
      .def("holds", &PixelCache::holds, py::arg("frame_idx"), "Whether a frame is kept.")
      .def_property_readonly("num_bytes", &PixelCache::bytes);
}

}  // namespace ufvideo::bindings
