#include <pybind11/functional.h>

#include "arrays.h"
#include "module.h"
#include "ufvideo/error.h"
#include "ufvideo/session.h"

namespace ufvideo::bindings {
namespace {

StreamAction stream_action(const py::object& action) {
  try {
    return action.cast<StreamAction>();
  } catch (const py::cast_error&) {
    throw Error(ErrorCode::kInvalidInput,
                "callback: expected a StreamAction or None, got " + std::string(py::repr(action)));
  }
}

/// Calls Python for each token; nothing returned means go on.
TokenCallback token_callback(const py::object& callback) {
  if (callback.is_none()) {
    return nullptr;
  }
  return [&callback](std::int64_t token_id) {
    const py::gil_scoped_acquire gil;
    const py::object action = callback(token_id);
    return action.is_none() ? StreamAction::kContinue : stream_action(action);
  };
}

/// The same for several prompts: Python gets the prompt's index too.
IndexedTokenCallback indexed_token_callback(const py::object& callback) {
  if (callback.is_none()) {
    return nullptr;
  }
  return [&callback](std::size_t index, std::int64_t token_id) {
    const py::gil_scoped_acquire gil;
    const py::object action = callback(index, token_id);
    return action.is_none() ? StreamAction::kContinue : stream_action(action);
  };
}

void bind_inputs(py::module_& module) {
  py::class_<Clip>(module, "Clip", "Sampled frames of a clip, or one image.")
      .def(py::init(
               [](const py::array& frames, std::vector<std::int64_t> frame_idxs, bool is_image) {
                 return Clip{as_tensor(frames, DType::kUint8, 4, "clip: frames"),
                             std::move(frame_idxs), is_image};
               }),
           py::kw_only(), py::arg("frames"), py::arg("frame_idxs"), py::arg("is_image") = false,
           "Frames uint8 [T, H, W, 3] and the caller's index of each.");
  py::class_<RegionPrompt>(module, "RegionPrompt", "One marked object.")
      .def(py::init([](std::vector<std::int64_t> frame_idxs, const py::array& masks) {
             return RegionPrompt{std::move(frame_idxs),
                                 as_tensor(masks, DType::kBool, 3, "region: masks")};
           }),
           py::kw_only(), py::arg("frame_idxs"), py::arg("masks"),
           "The caller's index of each frame and masks bool [F, H, W] at the clip's size.");
  py::class_<Prompt>(module, "Prompt", "A prompt in token ids, with placeholders.")
      .def(py::init([](std::vector<std::int64_t> token_ids, std::vector<RegionPrompt> regions,
                       const std::optional<py::array>& region_frames,
                       std::vector<std::int64_t> region_frame_idxs,
                       const std::optional<std::shared_ptr<TokenAutomaton>>& answer_format,
                       const std::optional<std::shared_ptr<ChoiceTree>>& choices) {
             Tensor frames;
             if (region_frames) {
               frames = as_tensor(*region_frames, DType::kUint8, 4, "prompt: region_frames");
             }
             return Prompt{std::move(token_ids),
                           std::move(regions),
                           std::move(frames),
                           std::move(region_frame_idxs),
                           answer_format.value_or(nullptr),
                           choices.value_or(nullptr)};
           }),
           py::kw_only(), py::arg("token_ids"), py::arg("regions") = std::vector<RegionPrompt>{},
           py::arg("region_frames") = std::nullopt,
           py::arg("region_frame_idxs") = std::vector<std::int64_t>{},
           py::arg("answer_format") = std::nullopt, py::arg("choices") = std::nullopt,
           "region_frames uint8 [K, H, W, 3]: pixels of the regions' frames that missing_frames() "
           "names. answer_format: what the answer may be; None: anything. choices: the answer is "
           "the likeliest of them; None: anything.")
      .def_readonly("token_ids", &Prompt::token_ids);
}

}  // namespace

void bind_session(py::module_& module) {
  bind_inputs(module);
  using Release = py::call_guard<py::gil_scoped_release>;
  py::class_<Session>(module, "Session", "The state of one conversation about one clip.")
      .def(py::init([](const std::shared_ptr<Model>& model) {
             return std::make_unique<Session>(model);
           }),
           py::arg("model"))
      .def("open_clip", &Session::open_clip, py::arg("clip"), Release(),
           "Encode the clip once. Raises InputError, StateError or InferenceError.")
      .def("begin_clip", &Session::begin_clip, py::arg("frame_idxs"), py::arg("is_image") = false,
           Release(), "Open a clip piece by piece: then add_frames() and end_clip().")
      .def(
          "add_frames",
          [](Session& self, const py::array& frames, const std::vector<std::int64_t>& frame_idxs) {
            const Tensor pixels = as_tensor(frames, DType::kUint8, 4, "clip: frames");
            const py::gil_scoped_release released;
            self.add_frames(pixels, frame_idxs);
          },
          py::arg("frames"), py::arg("frame_idxs"),
          "Encode some of the clip's frames, uint8 [F, H, W, 3].")
      .def("end_clip", &Session::end_clip, Release(), "Make the video tokens of the clip.")
      .def("save_clip", &Session::save_clip, py::arg("prefix_ids"), Release(),
           "What was computed of the clip, the prefix included; None when it was cancelled.")
      .def("restore_clip", &Session::restore_clip, py::arg("saved"), Release(),
           "Open a clip with what was computed of it.\n\n"
           "Raises InputError when a size is not this model's, CapacityError when the prefix does "
           "not fit into the bound on the KV cache.")
      .def("missing_frames", &Session::missing_frames, py::arg("frame_idxs"), Release(),
           "Those of the frames whose features are not held, each once.")
      .def(
          "generate",
          [](Session& self, const Prompt& prompt, const GenerationConfig& config,
             const py::object& callback) {
            const TokenCallback native = token_callback(callback);
            const py::gil_scoped_release released;
            return self.generate(prompt, config, native);
          },
          py::arg("prompt"), py::arg("config"), py::arg("callback") = py::none(),
          "Answer one prompt; callback(token_id) returns a StreamAction or None.\n\n"
          "An exception of the callback ends the answer and is raised unchanged.")
      .def(
          "generate_many",
          [](Session& self, const std::vector<Prompt>& prompts, const GenerationConfig& config,
             const py::object& callback) {
            const IndexedTokenCallback native = indexed_token_callback(callback);
            const py::gil_scoped_release released;
            return self.generate_many(prompts, config, native);
          },
          py::arg("prompts"), py::arg("config"), py::arg("callback") = py::none(),
          "Answer several prompts as rows of one batch, in order, as generate() one by one.\n\n"
          "callback(index, token_id) returns a StreamAction or None, which ends its own answer.")
      .def("begin", &Session::begin, py::arg("prompt"), py::arg("config"), Release(),
           "Prefill a prompt; then step() and finish().")
      .def("step", &Session::step, Release(), "The next token id, None once the answer has ended.")
      .def("finish", &Session::finish, Release(), "End the answer and return it.")
      .def("drop_answer", &Session::drop_answer, Release(),
           "Drop an answer under way, if there is one, without a result.")
      .def("teacher_force", &Session::teacher_force, py::arg("prompt"), py::arg("answer_start"),
           Release(), "Prefill a prompt that holds its answer; collect the states behind [SEG].")
      .def(
          "segment",
          [](Session& self, const py::array& seg_hidden_states, const py::array& frames,
             const std::vector<std::int64_t>& frame_idxs, bool continues) {
            const Tensor states =
                as_tensor(seg_hidden_states, DType::kFloat32, 2, "segment: seg_hidden_states");
            const Tensor pixels = as_tensor(frames, DType::kUint8, 4, "segment: frames");
            const py::gil_scoped_release released;
            return self.segment(states, pixels, frame_idxs, continues);
          },
          py::arg("seg_hidden_states"), py::arg("frames"), py::arg("frame_idxs"),
          py::arg("continues") = false,
          "Masks of states float32 [O, D] on frames uint8 [F, H, W, 3].\n\n"
          "continues: this goes on with the call before, a long clip given in pieces.")
      .def("cancel", &Session::cancel,
           "From any thread: end the work under way, or the next, at its next token or frame.")
      .def("forget_cancel", &Session::forget_cancel, "Drop a cancel() that ended nothing yet.")
      .def("reset", &Session::reset,
           "Forget conversation, region frames, cancel() and poison; the clip stays encoded.")
      .def_property_readonly(
          "video_tokens",
          [](const Session& self) { return as_read_only_array(self.video_tokens()); },
          "float32 [N, D] of the open clip, read-only.")
      .def("timings", &Session::timings, "Timings of all stages since the session was made.")
      .def("held_bytes", &Session::held_bytes, "Bytes of features, mask cache and KV cache.");
}

}  // namespace ufvideo::bindings
