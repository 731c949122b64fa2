#include "arrays.h"
#include "gil.h"
#include "module.h"
#include "ufvideo/stages/memory_attention.h"
#include "ufvideo/stages/memory_encoder.h"
#include "ufvideo/stages/track_decoder.h"

namespace ufvideo::bindings {
namespace {

void bind_memory_stages(py::module_& module) {
  py::class_<MemoryEncoder>(module, "MemoryEncoder", "SAM 2's memory encoder.")
      .def_property_readonly("stem", &MemoryEncoder::stem)
      .def(
          "encode",
          [](const MemoryEncoder& self, const MaskFeatures& features, const py::array& logits) {
            const Tensor in = as_tensor(logits, DType::kFloat32, 3, "memory_encoder: mask_logits");
            Tensor memories;
            {
              const GilReleased release;
              memories = self.encode(features, in);
            }
            return as_array(memories);
          },
          py::arg("features"), py::arg("mask_logits"),
          "Features of one frame and mask logits float32 [O, 4h, 4w] to memories float32 "
          "[O, M, h, w].");
  py::class_<MemoryAttention>(module, "MemoryAttention", "SAM 2's memory attention.")
      .def_property_readonly("stem", &MemoryAttention::stem)
      .def(
          "condition",
          [](const MemoryAttention& self, const MaskFeatures& features, const py::array& memories,
             const py::array& ages, const py::array& pointers) {
            const TrackMemories in{
                as_tensor(memories, DType::kFloat32, 5, "memory_attention: memory_features"),
                as_tensor(ages, DType::kInt64, 2, "memory_attention: memory_ages"),
                as_tensor(pointers, DType::kFloat32, 3, "memory_attention: object_pointers")};
            Tensor conditioned;
            {
              const GilReleased release;
              conditioned = self.condition(features, in);
            }
            return as_array(conditioned);
          },
          py::arg("features"), py::arg("memory_features"), py::arg("memory_ages"),
          py::arg("object_pointers"),
          "Features of one frame with memories float32 [O, K, M, h, w], their ages int64 [O, K] "
          "and pointers float32 [O, Q, C] to conditioned features float32 [O, C, h, w].");
}

}  // namespace

void bind_track_stages(py::module_& module) {
  bind_memory_stages(module);
  py::class_<TrackCandidates>(module, "TrackCandidates",
                              "Three candidate masks of O objects on one frame.")
      .def_property_readonly("mask_logits",
                             [](const TrackCandidates& c) { return as_array(c.mask_logits); })
      .def_property_readonly("iou_scores",
                             [](const TrackCandidates& c) { return as_array(c.iou_scores); })
      .def_property_readonly("object_scores",
                             [](const TrackCandidates& c) { return as_array(c.object_scores); })
      .def_property_readonly("object_pointers",
                             [](const TrackCandidates& c) { return as_array(c.object_pointers); });
  py::class_<TrackDecoder>(module, "TrackDecoder", "SAM 2's mask decoder without a prompt.")
      .def_property_readonly("stem", &TrackDecoder::stem)
      .def(
          "decode",
          [](const TrackDecoder& self, const MaskFeatures& features, const py::array& conditioned) {
            const Tensor in =
                as_tensor(conditioned, DType::kFloat32, 4, "track_decoder: conditioned_features");
            const GilReleased release;
            return self.decode(features, in);
          },
          py::arg("features"), py::arg("conditioned_features"),
          "Features of one frame and conditioned features float32 [O, C, h, w] to candidates.");
}

}  // namespace ufvideo::bindings
