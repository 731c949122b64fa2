#include "arrays.h"
#include "module.h"
#include "ufvideo/error.h"
#include "ufvideo/session.h"

namespace ufvideo::bindings {
namespace {

Tensor cache_tensor(const py::array& array, const char* where) {
  const bool half = array.dtype().equal(py::dtype("float16"));
  return as_tensor(array, half ? DType::kFloat16 : DType::kFloat32, 4, where);
}

auto array_of(Tensor SavedClip::* tensor) {
  return [tensor](const SavedClip& saved) { return as_read_only_array(saved.*tensor); };
}

}  // namespace

void bind_saved_clip(py::module_& module) {
  py::class_<SavedClip>(module, "SavedClip", "What a session has computed of its clip.")
      .def(py::init([](bool is_image, std::vector<std::int64_t> frame_idxs, std::int64_t height_px,
                       std::int64_t width_px, const py::array& features,
                       const py::array& video_tokens, std::vector<std::int64_t> prefix_ids,
                       const py::array& keys, const py::array& values) {
             return SavedClip{
                 is_image,
                 std::move(frame_idxs),
                 height_px,
                 width_px,
                 as_tensor(features, DType::kFloat32, 3, "saved clip: features"),
                 as_tensor(video_tokens, DType::kFloat32, 2, "saved clip: video_tokens"),
                 std::move(prefix_ids),
                 cache_tensor(keys, "saved clip: keys"),
                 cache_tensor(values, "saved clip: values")};
           }),
           py::kw_only(), py::arg("is_image"), py::arg("frame_idxs"), py::arg("height_px"),
           py::arg("width_px"), py::arg("features"), py::arg("video_tokens"), py::arg("prefix_ids"),
           py::arg("keys"), py::arg("values"),
           "Features float32 [F, P, Dv], video tokens float32 [N, D]; keys and values [L, kv, n, "
           "head], float32 or float16 as the language model's cache.")
      .def_readonly("is_image", &SavedClip::is_image)
      .def_readonly("frame_idxs", &SavedClip::frame_idxs)
      .def_readonly("height_px", &SavedClip::height_px)
      .def_readonly("width_px", &SavedClip::width_px)
      .def_readonly("prefix_ids", &SavedClip::prefix_ids)
      .def_property_readonly("features", array_of(&SavedClip::features),
                             "float32 [F, P, Dv], read-only.")
      .def_property_readonly("video_tokens", array_of(&SavedClip::video_tokens),
                             "float32 [N, D], read-only.")
      .def_property_readonly("keys", array_of(&SavedClip::keys), "[L, kv, n, head], read-only.")
      .def_property_readonly("values", array_of(&SavedClip::values),
                             "[L, kv, n, head], read-only.");
}

}  // namespace ufvideo::bindings
