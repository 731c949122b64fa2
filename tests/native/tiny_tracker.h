#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "temporary_folder.h"
#include "tiny_model.h"
#include "ufvideo/tracker.h"

namespace ufvideo {

/// A model of the committed package that can track.
inline std::shared_ptr<const Model> load_track_model(const RuntimeConfig& config = tiny_config()) {
  const TemporaryFolder folder;
  return Model::load(tiny_track_package(folder.path() / "track"), config);
}

/// One of them, opened once a process.
inline std::shared_ptr<const Model> track_model() {
  static const std::shared_ptr<const Model> model = load_track_model();
  return model;
}

/// Frame of noise, uint8 [30, 41, 3].
inline Tensor frame_of_noise(std::int64_t idx) {
  return noise(idx, 1).reshaped({kHeight, kWidth, 3});
}

/// A prompt float32 [D], different for each seed.
inline Tensor some_state(int seed) {
  const std::int64_t width = track_model()->manifest().model.hidden_size;
  Tensor state(DType::kFloat32, {width});
  for (std::int64_t i = 0; i < width; ++i) {
    state.data<float>()[i] = std::sin(static_cast<float>((seed + 1) * (i + 1)));
  }
  return state;
}

/// What a step found of one object.
struct Seen {
  std::int64_t id;
  std::string runs;
  float iou_score;
  float object_score;
  bool was_prompted;

  bool operator==(const Seen& other) const {
    return runs == other.runs && iou_score == other.iou_score &&
           object_score == other.object_score && was_prompted == other.was_prompted;
  }
};

inline std::ostream& operator<<(std::ostream& stream, const Seen& seen) {
  return stream << "object " << seen.id << ": " << seen.runs << " " << seen.iou_score << " "
                << seen.object_score << (seen.was_prompted ? " prompted" : "");
}

inline std::vector<Seen> seen_of(const TrackedFrame& frame) {
  std::vector<Seen> seen;
  for (std::size_t i = 0; i < frame.object_ids.size(); ++i) {
    seen.push_back({frame.object_ids[i], frame.runs[i], frame.iou_scores.data<float>()[i],
                    frame.object_scores.data<float>()[i], frame.was_prompted.data<bool>()[i]});
  }
  return seen;
}

/// What a step on a frame of noise finds of each object.
inline std::vector<Seen> step(Tracker& tracker, std::int64_t idx, const CallOptions& options = {}) {
  return seen_of(tracker.step(frame_of_noise(idx), idx, options));
}

/// One object over frames first to last - 1, prompted on the first, alone in its tracker.
inline std::vector<Seen> tracked_alone(int seed, std::int64_t first, std::int64_t last,
                                       const std::shared_ptr<const Model>& model = track_model()) {
  Tracker tracker(model);
  tracker.add(some_state(seed));
  std::vector<Seen> seen;
  for (std::int64_t idx = first; idx < last; ++idx) {
    seen.push_back(step(tracker, idx).front());
  }
  return seen;
}

}  // namespace ufvideo
