#include <pybind11/native_enum.h>

#include "arrays.h"
#include "module.h"
#include "ufvideo/generation.h"

namespace ufvideo::bindings {

void bind_generation(py::module_& module) {
  py::native_enum<StopReason>(module, "StopReason", "enum.Enum", "Why an answer ended.")
      .value("END_TOKEN", StopReason::kEndToken)
      .value("MAX_NEW_TOKENS", StopReason::kMaxNewTokens)
      .value("CONTEXT_FULL", StopReason::kContextFull)
      .value("STOPPED", StopReason::kStopped)
      .value("CANCELLED", StopReason::kCancelled)
      .finalize();
  py::native_enum<StreamAction>(module, "StreamAction", "enum.Enum",
                                "What a token callback answers: go on; end the answer as stopped, "
                                "with its masks; end it as cancelled, without. Its text stays.")
      .value("CONTINUE", StreamAction::kContinue)
      .value("STOP", StreamAction::kStop)
      .value("CANCEL", StreamAction::kCancel)
      .finalize();

  py::class_<SpanFraction>(module, "SpanFraction", "A time span as fractions of the clip, 0 to 1.")
      .def_readonly("start", &SpanFraction::start)
      .def_readonly("end", &SpanFraction::end);
  module.def("find_spans", &find_spans, py::arg("token_ids"), py::arg("time_first_id"),
             py::arg("num_time_tokens"),
             "Spans in a token sequence: two adjacent time tokens in order, or one alone.");

  py::class_<Generation>(module, "Generation", "One answer in token ids.")
      .def_readonly("token_ids", &Generation::token_ids)
      .def_readonly("stop_reason", &Generation::stop_reason)
      .def_readonly("spans", &Generation::spans)
      .def_readonly("seg_positions", &Generation::seg_positions)
      .def_property_readonly(
          "seg_hidden_states", [](const Generation& g) { return as_array(g.seg_hidden_states); },
          "float32 [O, D], one row for each of seg_positions.")
      .def_readonly("choice", &Generation::choice, "The likeliest of the prompt's choices.")
      .def_readonly("choice_log_probabilities", &Generation::choice_log_probabilities,
                    "Log-probability of each choice; empty where there were none.")
      .def_readonly("num_prefill_tokens", &Generation::num_prefill_tokens)
      .def_readonly("num_reused_tokens", &Generation::num_reused_tokens)
      .def_readonly("time_to_first_token_ms", &Generation::time_to_first_token_ms)
      .def_readonly("decode_ms", &Generation::decode_ms)
      .def_readonly("token_ms", &Generation::token_ms,
                    "Time inside the step that made each of token_ids; empty where none was made.")
      .def_readonly("timings", &Generation::timings);

  py::class_<Segmentation>(module, "Segmentation", "Masks of O objects on F frames.")
      .def_readonly("runs", &Segmentation::runs,
                    "COCO run-length code of each mask, [O][F], at the frames' own size.")
      .def_property_readonly(
          "scores", [](const Segmentation& s) { return as_array(s.scores); },
          "Predicted IoU, float32 [O, F].")
      .def_readonly("cancelled", &Segmentation::cancelled,
                    "It was cancelled: F is the number of frames decoded before.")
      .def_readonly("timings", &Segmentation::timings);
}

}  // namespace ufvideo::bindings
