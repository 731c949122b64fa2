#include <limits>

#include "arrays.h"
#include "gil.h"
#include "module.h"
#include "ufvideo/error.h"
#include "ufvideo/video_stream.h"

namespace ufvideo::bindings {
namespace {

using Frame = std::shared_ptr<const StreamFrame>;

/// float64 [T] of some times; NaN where one is unknown.
py::array_t<double> as_times(const std::vector<double>& times) {
  return py::array_t<double>(static_cast<py::ssize_t>(times.size()), times.data());
}

double known_or_nan(const std::optional<double>& wall_s) {
  return wall_s.value_or(std::numeric_limits<double>::quiet_NaN());
}

py::array_t<double> times_of(const StreamWindow& window) {
  std::vector<double> times;
  for (const auto& pair : window.pairs) {
    times.insert(times.end(), pair->times_s.begin(), pair->times_s.end());
  }
  return as_times(times);
}

py::array_t<double> walls_of(const StreamWindow& window) {
  std::vector<double> walls;
  for (const auto& pair : window.pairs) {
    walls.insert(walls.end(), {known_or_nan(pair->walls_s[0]), known_or_nan(pair->walls_s[1])});
  }
  return as_times(walls);
}

std::optional<py::array> pixels_of(const StreamWindow& window, std::int64_t frame_idx) {
  for (const Frame& frame : window.frames) {
    if (frame->frame_idx == frame_idx) {
      return as_read_only_array(frame->pixels);
    }
  }
  return std::nullopt;
}

void bind_window(py::module_& module) {
  py::class_<StreamFrame, std::shared_ptr<StreamFrame>>(module, "StreamFrame",
                                                        "A frame that a stream has taken.")
      .def_readonly("frame_idx", &StreamFrame::frame_idx)
      .def_readonly("time_s", &StreamFrame::time_s)
      .def_readonly("wall_s", &StreamFrame::wall_s)
      .def_readonly("change", &StreamFrame::change,
                    "How much its vision features differ from the frame before, 0 to 1; or None.")
      .def_property_readonly(
          "pixels", [](const StreamFrame& frame) { return as_read_only_array(frame.pixels); },
          "RGB, uint8 [H, W, 3], read-only.");
  py::class_<StreamWindow>(module, "StreamWindow",
                           "Frames of a stream at one moment; it stays as it is.")
      .def_property_readonly("frame_idxs", &StreamWindow::frame_idxs,
                             "Of its frames, oldest first.")
      .def_property_readonly("timestamps_s", &times_of, "Stream time of each, float64 [T].")
      .def_property_readonly("walls_s", &walls_of,
                             "Seconds since 1970 in UTC of each, float64 [T], NaN where unknown.")
      .def_readonly("frame_size", &StreamWindow::frame_size)
      .def("pixels", &pixels_of, py::arg("frame_idx"),
           "RGB of a frame, uint8 [H, W, 3], read-only; None if they are not kept any more.");
}

}  // namespace

void bind_video_stream(py::module_& module) {
  bind_window(module);
  py::class_<StreamStatistics>(module, "StreamStatistics",
                               "What has become of the frames that were pushed.")
      .def_readonly("num_pushed", &StreamStatistics::num_pushed)
      .def_readonly("num_taken", &StreamStatistics::num_taken)
      .def_readonly("num_encoded", &StreamStatistics::num_encoded)
      .def_readonly("num_waiting", &StreamStatistics::num_waiting)
      .def_readonly("num_off_grid", &StreamStatistics::num_off_grid)
      .def_readonly("num_late", &StreamStatistics::num_late)
      .def_readonly("num_overflowed", &StreamStatistics::num_overflowed)
      .def_readonly("num_failed", &StreamStatistics::num_failed)
      .def_readonly("memory_bytes", &StreamStatistics::memory_bytes)
      .def_readonly("timings", &StreamStatistics::timings);
  py::class_<VideoStream>(module, "VideoStream",
                          "A live window: each frame is encoded once. Any thread.")
      .def(
          py::init([](const std::shared_ptr<Model>& model, double fps,
                      std::optional<int> num_frames, int num_prefixes,
                      std::optional<int> drop_pairs, double history_s, bool is_bgr) {
            const StreamConfig config{fps, num_frames, num_prefixes, drop_pairs, history_s, is_bgr};
            return std::make_unique<VideoStream>(model, config);
          }),
          py::arg("model"), py::kw_only(), py::arg("fps") = 1.0, py::arg("num_frames") = py::none(),
          py::arg("num_prefixes") = 1, py::arg("drop_pairs") = py::none(),
          py::arg("history_s") = 0.0, py::arg("is_bgr") = false,
          "Raises InputError naming the argument; PackageError when the aligner does not align a "
          "pair of frames by itself.")
      .def(
          "push",
          [](VideoStream& self, const py::array& frame, double time_s,
             std::optional<double> wall_s) {
            const Tensor pixels = as_tensor(frame, DType::kUint8, 3, "push: frame");
            const GilReleased released;
            self.push(pixels, time_s, wall_s);
          },
          py::arg("frame"), py::arg("time_s"), py::arg("wall_s") = py::none(),
          "Take a copy of a frame, uint8 [H, W, 3], if it is on the grid, and encode what waits "
          "unless another thread does.")
      .def(
          "encode_waiting",
          [](VideoStream& self, const std::optional<CancellationToken>& cancel) {
            const GilReleased released;
            self.encode_waiting(cancel.value_or(CancellationToken()));
          },
          py::arg("cancel") = py::none(),
          "Encode the frames that wait; returns early when cancelled.")
      .def("window", &VideoStream::window, "What is looked at now.")
      .def("past", &VideoStream::past, py::arg("begin_s"), py::arg("end_s"),
           "The pairs between two times, of the window and of the history.\n\nRaises InputError.")
      .def(
          "frames_after",
          [](const VideoStream& self, std::int64_t frame_idx) {
            std::vector<std::shared_ptr<StreamFrame>> frames;
            for (const Frame& frame : self.frames_after(frame_idx)) {
              frames.push_back(std::const_pointer_cast<StreamFrame>(frame));
            }
            return frames;
          },
          py::arg("frame_idx"), "Encoded frames behind one whose pixels are kept, oldest first.")
      .def_property_readonly("feature_store", &VideoStream::feature_store,
                             "Features of the frames by frame_idx.")
      .def("statistics", &VideoStream::statistics, "Without waiting for a thread that encodes.");
}

}  // namespace ufvideo::bindings
