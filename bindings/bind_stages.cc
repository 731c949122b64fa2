#include "arrays.h"
#include "gil.h"
#include "module.h"
#include "ufvideo/stages/aligner.h"
#include "ufvideo/stages/mask_decoder.h"
#include "ufvideo/stages/mask_encoder.h"
#include "ufvideo/stages/region_encoder.h"
#include "ufvideo/stages/token_embedder.h"
#include "ufvideo/stages/vision_encoder.h"

namespace ufvideo::bindings {
namespace {

/// Runs a stage without the GIL.
template <typename Work>
auto released(const Work& work) {
  const GilReleased release;
  return work();
}

void bind_text_stages(py::module_& module) {
  py::class_<RegionEncoder>(module, "RegionEncoder", "Marked objects to region tokens.")
      .def_property_readonly("stem", &RegionEncoder::stem)
      .def(
          "encode",
          [](const RegionEncoder& self, const py::array& features, const py::array& masks) {
            const Tensor in = as_tensor(features, DType::kFloat32, 3, "region_encoder: features");
            const Tensor marked = as_tensor(masks, DType::kBool, 3, "region_encoder: masks");
            return as_array(released([&] { return self.encode(in, marked); }));
          },
          py::arg("features"), py::arg("masks"),
          "Features float32 [F, P, Dv] and masks bool [F, H, W] to tokens float32 [R, D].");
  py::class_<TokenEmbedder>(module, "TokenEmbedder", "The embedding table.")
      .def_property_readonly("stem", &TokenEmbedder::stem)
      .def(
          "embed",
          [](const TokenEmbedder& self, const std::vector<std::int64_t>& token_ids) {
            return as_array(released([&] { return self.embed(token_ids); }));
          },
          py::arg("token_ids"), "Token ids to embeddings float32 [S, D].");
}

void bind_mask_stages(py::module_& module) {
  py::class_<MaskFeatures>(module, "MaskFeatures", "SAM 2 features of some frames.")
      .def_property_readonly("image_features",
                             [](const MaskFeatures& f) { return as_array(f.image_features); })
      .def_property_readonly("high_res_features_0",
                             [](const MaskFeatures& f) { return as_array(f.high_res_features_0); })
      .def_property_readonly("high_res_features_1",
                             [](const MaskFeatures& f) { return as_array(f.high_res_features_1); })
      .def("frame", &MaskFeatures::frame, py::arg("index"), "The features of one frame.");
  py::class_<MaskEncoder>(module, "MaskEncoder", "SAM 2 image encoder and neck.")
      .def_property_readonly("stem", &MaskEncoder::stem)
      .def(
          "encode",
          [](const MaskEncoder& self, const py::array& frames) {
            const Tensor in = as_tensor(frames, DType::kUint8, 4, "mask_encoder: frames");
            return released([&] { return self.encode(in); });
          },
          py::arg("frames"), "Frames uint8 [F, S, S, 3] to features.");
  py::class_<DecodedMasks>(module, "DecodedMasks", "Masks of O objects on one frame.")
      .def_property_readonly("mask_logits",
                             [](const DecodedMasks& d) { return as_array(d.mask_logits); })
      .def_property_readonly("iou_scores",
                             [](const DecodedMasks& d) { return as_array(d.iou_scores); })
      .def_property_readonly("object_scores",
                             [](const DecodedMasks& d) { return as_array(d.object_scores); })
      .def_property_readonly("object_pointers",
                             [](const DecodedMasks& d) { return as_array(d.object_pointers); });
  py::class_<MaskDecoder>(module, "MaskDecoder", "[SEG] projection and SAM 2 mask decoder.")
      .def_property_readonly("stem", &MaskDecoder::stem)
      .def(
          "decode",
          [](const MaskDecoder& self, const MaskFeatures& features, const py::array& states) {
            const Tensor in = as_tensor(states, DType::kFloat32, 2, "mask_decoder: hidden_states");
            return released([&] { return self.decode(features, in); });
          },
          py::arg("features"), py::arg("hidden_states"),
          "Features of one frame and states float32 [O, D] to masks.");
}

}  // namespace

void bind_stages(py::module_& module) {
  py::class_<VisionEncoder>(module, "VisionEncoder", "SigLIP up to its penultimate layer.")
      .def_property_readonly("stem", &VisionEncoder::stem)
      .def(
          "encode",
          [](const VisionEncoder& self, const py::array& frames) {
            const Tensor in = as_tensor(frames, DType::kUint8, 4, "vision_encoder: frames");
            return as_array(released([&] { return self.encode(in); }));
          },
          py::arg("frames"), "Frames uint8 [T, S, S, 3] to features float32 [T, P, Dv].");
  py::class_<Aligner>(module, "Aligner", "The STC connector.")
      .def_property_readonly("stem", &Aligner::stem)
      .def(
          "align",
          [](const Aligner& self, const py::array& features) {
            const Tensor in = as_tensor(features, DType::kFloat32, 3, "aligner: features");
            return as_array(released([&] { return self.align(in); }));
          },
          py::arg("features"), "Features float32 [T, P, Dv] to video tokens float32 [N, D].");
  bind_text_stages(module);
  bind_mask_stages(module);
}

}  // namespace ufvideo::bindings
