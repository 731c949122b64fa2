#include <map>
#include <string>

#include "arrays.h"
#include "gil.h"
#include "module.h"
#include "ufvideo/frame_batches.h"
#include "ufvideo/manifest.h"

namespace ufvideo::bindings {
namespace {

template <typename Part>
void check_part(const std::string& text) {
  parse_manifest_part<Part>(text);
}

/// Checks of the parts of a manifest, by the name of their class.
const std::map<std::string, void (*)(const std::string&)>& part_checks() {
  static const std::map<std::string, void (*)(const std::string&)> checks{
      {"ModelConfig", &check_part<ModelConfig>},
      {"VideoConfig", &check_part<VideoConfig>},
      {"TokenConfig", &check_part<TokenConfig>},
      {"TrackingConfig", &check_part<TrackingConfig>},
      {"FileEntry", &check_part<FileEntry>},
      {"TensorSpec", &check_part<TensorSpec>},
      {"StageEntry", &check_part<StageEntry>},
      {"StageVariant", &check_part<StageVariant>},
      {"StageVerification", &check_part<StageVerification>},
  };
  return checks;
}

std::map<std::string, GraphSignature> signatures_of(const std::string& model,
                                                    const std::string& video,
                                                    const std::optional<std::string>& tracking,
                                                    std::int64_t mask_width,
                                                    const std::string& cache_dtype) {
  std::optional<TrackingConfig> memory;
  if (tracking) {
    memory = parse_manifest_part<TrackingConfig>(*tracking);
  }
  return graph_signatures(parse_manifest_part<ModelConfig>(model),
                          parse_manifest_part<VideoConfig>(video), memory, mask_width, cache_dtype);
}

}  // namespace

void bind_manifest(py::module_& module) {
  py::class_<Capability>(module, "Capability", "What a package can do, and its stages for that.")
      .def_readonly("name", &Capability::name)
      .def_readonly("stages", &Capability::stages)
      .def_readonly("needs", &Capability::needs, "The one it builds on; empty: none.");
  module.def("all_capabilities", &all_capabilities, "In the order of the pipeline.");
  module.def("precisions", &precisions, "Precisions of a stage.");
  module.def("seg_hidden_states", &seg_hidden_states, "Values of `seg_hidden_state`.");
  module.attr("PACKAGE_FORMAT_VERSION") = kPackageFormatVersion;
  module.attr("MAX_MANIFEST_BYTES") = kMaxManifestBytes;

  py::class_<Manifest>(module, "Manifest", "A manifest that passed every check.")
      .def(py::init([](const py::bytes& text, const py::bytes& source) {
             const auto json = text.cast<std::string>();
             const auto name = source.cast<std::string>();
             const GilReleased released;
             return parse_manifest(json, name);
           }),
           py::arg("text"), py::arg("source") = py::bytes(""),
           "Parse and check the text of manifest.json; `source` names it in messages. In UTF-8.\n\n"
           "Raises PackageError or PackageVersionError.")
      .def_readonly("format_version", &Manifest::format_version)
      .def_readonly("capabilities", &Manifest::capabilities);
  module.def(
      "check_manifest_part",
      [](const std::string& part, const std::string& text) { part_checks().at(part)(text); },
      py::arg("part"), py::arg("text"),
      "Check one part of a manifest by itself: the name of its class, and its JSON in UTF-8.\n\n"
      "Raises PackageError.");

  py::class_<TensorSpec>(module, "TensorSpec", "One graph input or output.")
      .def_readonly("name", &TensorSpec::name)
      .def_readonly("dtype", &TensorSpec::dtype)
      .def_readonly("shape", &TensorSpec::shape, "Sizes, and symbols for those that vary.");
  py::class_<GraphSignature>(module, "GraphSignature", "Inputs and outputs of a graph, in order.")
      .def_readonly("inputs", &GraphSignature::inputs)
      .def_readonly("outputs", &GraphSignature::outputs);
  module.def("graph_signatures", &signatures_of, py::arg("model"), py::arg("video"),
             py::arg("tracking"), py::arg("mask_width"), py::arg("cache_dtype"),
             "Expected inputs and outputs of each graph by stem, from the JSON of the manifest's\n"
             "`model`, `video` and `tracking` (None: without the stages of tracking).\n\n"
             "Raises PackageError.");

  module.attr("FRAMES_PER_ALIGNMENT") = kFramesPerAlignment;
  module.def("frames_per_batch", &frames_per_batch, py::arg("size_px"),
             "Frames of this side in one run of a frame graph that batches frames.");
  module.def("batches_frames_on_device", &batches_frames_on_device, py::arg("precision"),
             "Whether a stage of this precision takes several frames in one run on a device.");
  module.def(
      "num_video_tokens",
      [](int patch_grid, int aligner_padding, std::int64_t num_frames) {
        VideoConfig video{};
        video.patch_grid = patch_grid;
        video.aligner_padding = aligner_padding;
        return num_video_tokens(video, num_frames);
      },
      py::kw_only(), py::arg("patch_grid"), py::arg("aligner_padding"), py::arg("num_frames"),
      "Video tokens that the aligner makes of some frames.");
}

}  // namespace ufvideo::bindings
