#include "arrays.h"
#include "call_options.h"
#include "gil.h"
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
    const GilAcquired gil;
    const py::object action = call_python(callback, py::make_tuple(token_id));
    return action.is_none() ? StreamAction::kContinue : stream_action(action);
  };
}

/// The same for several prompts: Python gets the prompt's index too.
IndexedTokenCallback indexed_token_callback(const py::object& callback) {
  if (callback.is_none()) {
    return nullptr;
  }
  return [&callback](std::size_t index, std::int64_t token_id) {
    const GilAcquired gil;
    const py::object action = call_python(callback, py::make_tuple(index, token_id));
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
                       const std::optional<std::shared_ptr<TokenAutomaton>>& response_format,
                       const std::optional<std::shared_ptr<ChoiceTree>>& choices) {
             Tensor frames;
             if (region_frames) {
               frames = as_tensor(*region_frames, DType::kUint8, 4, "prompt: region_frames");
             }
             return Prompt{std::move(token_ids),
                           std::move(regions),
                           std::move(frames),
                           std::move(region_frame_idxs),
                           response_format.value_or(nullptr),
                           choices.value_or(nullptr)};
           }),
           py::kw_only(), py::arg("token_ids"), py::arg("regions") = std::vector<RegionPrompt>{},
           py::arg("region_frames") = std::nullopt,
           py::arg("region_frame_idxs") = std::vector<std::int64_t>{},
           py::arg("response_format") = std::nullopt, py::arg("choices") = std::nullopt,
           "region_frames uint8 [K, H, W, 3]: pixels of the regions' frames that missing_frames() "
           "names. response_format: what the answer may be; None: anything. choices: the answer is "
           "the likeliest of them; None: anything.")
      .def_readonly("token_ids", &Prompt::token_ids);
}

}  // namespace

void bind_session(py::module_& module) {
  bind_inputs(module);
  using Release = py::call_guard<GilReleased>;
  using Token = std::optional<CancellationToken>;
  py::class_<Session>(module, "Session", "The state of one conversation about one clip.")
      .def(py::init([](const std::shared_ptr<Model>& model,
                       const std::optional<std::shared_ptr<FeatureStore>>& store) {
             return std::make_unique<Session>(model, store.value_or(nullptr));
           }),
           py::arg("model"), py::arg("store") = py::none(),
           "store: features shared with other sessions about the same source; None: with none.")
      .def(
          "open_clip",
          [](Session& self, const Clip& clip, const Token& cancel, const py::object& on_progress) {
            const CallOptions options = call_options(cancel, on_progress);
            const GilReleased released;
            self.open_clip(clip, options);
          },
          py::arg("clip"), py::kw_only(), py::arg("cancel") = py::none(),
          py::arg("on_progress") = py::none(),
          "Encode the clip once; on_progress counts distinct frames.\n\n"
          "Raises InputError, StateError, InferenceError or CancelledError.")
      .def("begin_clip", &Session::begin_clip, py::arg("frame_idxs"), py::arg("is_image") = false,
           Release(), "Open a clip piece by piece: then add_frames() and end_clip().")
      .def(
          "add_frames",
          [](Session& self, const py::array& frames, const std::vector<std::int64_t>& frame_idxs,
             const Token& cancel, const py::object& on_progress) {
            const Tensor pixels = as_tensor(frames, DType::kUint8, 4, "clip: frames");
            const CallOptions options = call_options(cancel, on_progress);
            const GilReleased released;
            self.add_frames(pixels, frame_idxs, options);
          },
          py::arg("frames"), py::arg("frame_idxs"), py::kw_only(), py::arg("cancel") = py::none(),
          py::arg("on_progress") = py::none(),
          "Encode some of the clip's frames, uint8 [F, H, W, 3].")
      .def(
          "end_clip",
          [](Session& self, const Token& cancel) {
            const CallOptions options = call_options(cancel, py::none());
            const GilReleased released;
            self.end_clip(options);
          },
          py::kw_only(), py::arg("cancel") = py::none(), "Make the video tokens of the clip.")
      .def(
          "save_clip",
          [](Session& self, const std::vector<std::int64_t>& prefix_ids, const Token& cancel,
             const py::object& on_progress) {
            const CallOptions options = call_options(cancel, on_progress);
            const GilReleased released;
            return self.save_clip(prefix_ids, options);
          },
          py::arg("prefix_ids"), py::kw_only(), py::arg("cancel") = py::none(),
          py::arg("on_progress") = py::none(),
          "What was computed of the clip, the prefix included; None when it was cancelled.")
      .def("restore_clip", &Session::restore_clip, py::arg("saved"), Release(),
           "Open a clip with what was computed of it.\n\n"
           "Raises InputError when a size is not this model's, CapacityError when the prefix does "
           "not fit into the bound on the KV cache.")
      .def("look_at", &Session::look_at, py::arg("window"), Release(),
           "Look at a window of the stream whose feature store the session shares.\n\n"
           "Raises StateError when it has fewer than two frames.")
      .def("missing_frames", &Session::missing_frames, py::arg("frame_idxs"), Release(),
           "Those of the frames whose features are not held, each once.")
      .def(
          "generate",
          [](Session& self, const Prompt& prompt, const GenerationConfig& config,
             const py::object& callback, const Token& cancel, const py::object& on_progress) {
            const TokenCallback native = token_callback(callback);
            const CallOptions options = call_options(cancel, on_progress);
            const GilReleased released;
            return self.generate(prompt, config, native, options);
          },
          py::arg("prompt"), py::arg("config"), py::arg("callback") = py::none(), py::kw_only(),
          py::arg("cancel") = py::none(), py::arg("on_progress") = py::none(),
          "Answer one prompt; callback(token_id) returns a StreamAction or None. on_progress "
          "counts "
          "the prompt's positions.\n\n"
          "An exception of the callback ends the answer and is raised unchanged.")
      .def(
          "generate_many",
          [](Session& self, const std::vector<Prompt>& prompts, const GenerationConfig& config,
             const py::object& callback, const Token& cancel, const py::object& on_progress) {
            const IndexedTokenCallback native = indexed_token_callback(callback);
            const CallOptions options = call_options(cancel, on_progress);
            const GilReleased released;
            return self.generate_many(prompts, config, native, options);
          },
          py::arg("prompts"), py::arg("config"), py::arg("callback") = py::none(), py::kw_only(),
          py::arg("cancel") = py::none(), py::arg("on_progress") = py::none(),
          "Answer several prompts as rows of one batch, in order, as generate() one by one. "
          "on_progress counts answers.\n\n"
          "callback(index, token_id) returns a StreamAction or None, which ends its own answer.")
      .def(
          "begin",
          [](Session& self, const Prompt& prompt, const GenerationConfig& config,
             const Token& cancel, const py::object& on_progress) {
            const CallOptions options = call_options(cancel, on_progress);
            const GilReleased released;
            self.begin(prompt, config, options);
          },
          py::arg("prompt"), py::arg("config"), py::kw_only(), py::arg("cancel") = py::none(),
          py::arg("on_progress") = py::none(),
          "Begin an answer; then step(), whose first call prefills, and finish().")
      .def("step", &Session::step, Release(), "The next token id, None once the answer has ended.")
      .def("finish", &Session::finish, Release(), "End the answer and return it.")
      .def("drop_answer", &Session::drop_answer, Release(),
           "Drop an answer under way, if there is one, without a result.")
      .def(
          "teacher_force",
          [](Session& self, const Prompt& prompt, std::int64_t answer_start, const Token& cancel,
             const py::object& on_progress) {
            const CallOptions options = call_options(cancel, on_progress);
            const GilReleased released;
            return self.teacher_force(prompt, answer_start, options);
          },
          py::arg("prompt"), py::arg("answer_start"), py::kw_only(), py::arg("cancel") = py::none(),
          py::arg("on_progress") = py::none(),
          "Prefill a prompt that holds its answer; collect the states behind [SEG].")
      .def(
          "segment",
          [](Session& self, const py::array& seg_hidden_states, const py::array& frames,
             const std::vector<std::int64_t>& frame_idxs, bool continues, const Token& cancel,
             const py::object& on_progress) {
            const Tensor states =
                as_tensor(seg_hidden_states, DType::kFloat32, 2, "segment: seg_hidden_states");
            const Tensor pixels = as_tensor(frames, DType::kUint8, 4, "segment: frames");
            const CallOptions options = call_options(cancel, on_progress);
            const GilReleased released;
            return self.segment(states, pixels, frame_idxs, continues, options);
          },
          py::arg("seg_hidden_states"), py::arg("frames"), py::arg("frame_idxs"),
          py::arg("continues") = false, py::kw_only(), py::arg("cancel") = py::none(),
          py::arg("on_progress") = py::none(),
          "Masks of states float32 [O, D] on frames uint8 [F, H, W, 3]; on_progress counts frames."
          "\n\n"
          "continues: this goes on with the call before, a long clip given in pieces.")
      .def("cancel", &Session::cancel,
           "From any thread: cancel the call or the answer under way, if there is one.")
      .def("reset", &Session::reset, Release(),
           "Forget conversation, region frames and poison; the clip stays encoded.")
      .def_property_readonly("feature_store", &Session::feature_store,
                             "What it keeps of frames; a Tracker of the same source may share it.")
      .def_property_readonly(
          "video_tokens",
          [](const Session& self) { return as_read_only_array(self.video_tokens()); },
          "float32 [N, D] of the open clip, read-only.")
      .def("timings", &Session::timings,
           "From any thread: timings of all stages since the session was made.")
      .def("memory_bytes", &Session::memory_bytes,
           "From any thread: bytes of features, mask cache and KV cache.");
}

}  // namespace ufvideo::bindings
