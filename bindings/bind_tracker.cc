#include "arrays.h"
#include "call_options.h"
#include "gil.h"
#include "module.h"
#include "ufvideo/tracker.h"

namespace ufvideo::bindings {
namespace {

Tensor as_state(const py::array& state) {
  return as_tensor(state, DType::kFloat32, 1, "track: seg_hidden_state");
}

std::optional<Tensor> as_pixels(const std::optional<py::array>& frame) {
  if (!frame) {
    return std::nullopt;
  }
  return as_tensor(*frame, DType::kUint8, 3, "track: frame");
}

void bind_tracked_frame(py::module_& module) {
  py::class_<TrackedFrame>(module, "TrackedFrame", "The O objects of a tracker on one frame.")
      .def_readonly("object_ids", &TrackedFrame::object_ids, "In the order they were added, [O].")
      .def_readonly("runs", &TrackedFrame::runs,
                    "COCO run-length code of each mask, [O], at the frame's own size.")
      .def_property_readonly(
          "iou_scores", [](const TrackedFrame& f) { return as_array(f.iou_scores); },
          "Predicted IoU of each mask, float32 [O].")
      .def_property_readonly(
          "object_scores", [](const TrackedFrame& f) { return as_array(f.object_scores); },
          "Object presence logit, above 0 if the object is there, float32 [O].")
      .def_property_readonly(
          "was_prompted", [](const TrackedFrame& f) { return as_array(f.was_prompted); },
          "Whether the object was prompted on this frame, bool [O].")
      .def_readonly("timings", &TrackedFrame::timings);
}

}  // namespace

void bind_tracker(py::module_& module) {
  bind_tracked_frame(module);
  using Token = std::optional<CancellationToken>;
  py::class_<Tracker>(module, "Tracker", "Carries objects from frame to frame by SAM 2's memory.")
      .def(py::init([](const std::shared_ptr<Model>& model,
                       const std::optional<std::shared_ptr<FeatureStore>>& store,
                       const std::string& memory, std::optional<int> num_memories,
                       int max_prompted) {
             const TrackerConfig config{parse_track_memory(memory), num_memories, max_prompted};
             return std::make_unique<Tracker>(model, store.value_or(nullptr), config);
           }),
           py::arg("model"), py::arg("store") = py::none(), py::kw_only(),
           py::arg("memory") = "sam2", py::arg("num_memories") = py::none(),
           py::arg("max_prompted") = TrackerConfig{}.max_prompted,
           "store: features of the frames' source, shared with sessions about it; None: its own.\n"
           "memory: 'sam2', or 'distractor': frames that tell the object from its like stay too.\n"
           "num_memories: most frames in an object's memory; None: the model's own number.\n"
           "max_prompted: most prompted frames remembered as such, those nearest in time.\n\n"
           "Raises PackageError if the package cannot track, ConfigError or InputError.")
      .def(
          "add",
          [](Tracker& self, const py::array& seg_hidden_state) {
            const Tensor state = as_state(seg_hidden_state);
            const GilReleased released;
            return self.add(state);
          },
          py::arg("seg_hidden_state"),
          "Add an object, which the next step prompts with its state float32 [D]; its id, which "
          "no other object of this tracker gets.")
      .def(
          "prompt",
          [](Tracker& self, std::int64_t object_id, const py::array& seg_hidden_state) {
            const Tensor state = as_state(seg_hidden_state);
            const GilReleased released;
            self.prompt(object_id, state);
          },
          py::arg("object_id"), py::arg("seg_hidden_state"),
          "Prompt an object once more, on the next step, with a state float32 [D].")
      .def("remove", &Tracker::remove, py::arg("object_id"), py::call_guard<GilReleased>(),
           "Forget an object.")
      .def(
          "step",
          [](Tracker& self, const std::optional<py::array>& frame, std::int64_t frame_idx,
             const Token& cancel, const py::object& on_progress) {
            const std::optional<Tensor> pixels = as_pixels(frame);
            const CallOptions options = call_options(cancel, on_progress);
            const GilReleased released;
            return self.step(pixels, frame_idx, options);
          },
          py::arg("frame"), py::arg("frame_idx"), py::kw_only(), py::arg("cancel") = py::none(),
          py::arg("on_progress") = py::none(),
          "Find every object on the next frame, uint8 [H, W, 3], and remember it; on_progress "
          "counts objects. None for the frame if the store holds its features.\n\n"
          "Raises CancelledError, InputError, CapacityError, InferenceError or StateError; then no "
          "memory has changed, and prompts wait for the next step.")
      .def(
          "decode_prompts",
          [](Tracker& self, const py::array& seg_hidden_states,
             const std::optional<py::array>& frame, std::int64_t frame_idx, const Token& cancel,
             const py::object& on_progress) {
            const Tensor states =
                as_tensor(seg_hidden_states, DType::kFloat32, 2, "track: seg_hidden_states");
            const std::optional<Tensor> pixels = as_pixels(frame);
            const CallOptions options = call_options(cancel, on_progress);
            const GilReleased released;
            return self.decode_prompts(states, pixels, frame_idx, options);
          },
          py::arg("seg_hidden_states"), py::arg("frame"), py::arg("frame_idx"), py::kw_only(),
          py::arg("cancel") = py::none(), py::arg("on_progress") = py::none(),
          "Masks of prompts, states float32 [O, D], on one frame as step() would find them, "
          "without "
          "any memory; ids 0 to O - 1.")
      .def("holds_features", &Tracker::holds_features, py::arg("frame_idx"),
           "Whether step() needs no pixels of a frame now; another session may evict its features.")
      .def_property_readonly("object_ids", &Tracker::object_ids,
                             "From any thread: ids of the objects, in the order they were added.")
      .def_property_readonly("memory_bytes", &Tracker::memory_bytes,
                             "From any thread: bytes of all objects' memories.")
      .def_property_readonly("timings", &Tracker::timings,
                             "From any thread: timings of all stages since the tracker was made.");
}

}  // namespace ufvideo::bindings
