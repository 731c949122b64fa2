#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "ufvideo/video_stream.h"

namespace ufvideo {

using SharedFrame = std::shared_ptr<const StreamFrame>;
using SharedPair = std::shared_ptr<const StreamPair>;

/// What a stream keeps of its encoded frames: the pairs of the window and of the history, and the
/// pixels of the window's frames. One thread at a time.
class KeptFrames {
 public:
  KeptFrames(const StreamConfig& config, const VideoConfig& video);

  /// Adds a frame, whose index is the next one.
  void add_frame(SharedFrame frame);
  /// Adds the pair of the last two frames. A full window drops its oldest pairs first.
  ///
  /// @return the frames that have left the window.
  std::vector<std::int64_t> add_pair(SharedPair pair);

  /// Index of the oldest frame of the window.
  std::int64_t first_idx() const { return 2 * first_pair_; }
  /// As VideoStream's, without what belongs to the whole stream.
  StreamWindow window() const;
  StreamWindow past(double begin_s, double end_s) const;
  std::vector<SharedFrame> frames_after(std::int64_t frame_idx) const;
  /// Of video tokens and pixels.
  std::size_t bytes() const;

 private:
  void forget_history(double now_s);
  void check_span(double begin_s, double end_s) const;

  const std::int64_t most_pairs_;
  const std::int64_t num_dropped_;
  const bool has_next_;
  const double history_s_;
  /// Most frames of past().
  const std::int64_t num_frames_;
  /// Those of the history, then those of the window.
  std::deque<SharedPair> pairs_;
  /// From first_idx() on.
  std::deque<SharedFrame> frames_;
  /// Number of the window's first pair, counted from the stream's first one.
  std::int64_t first_pair_ = 0;
  /// Time of the latest frame whose pair is not kept any more.
  std::optional<double> forgotten_s_;
};

}  // namespace ufvideo
