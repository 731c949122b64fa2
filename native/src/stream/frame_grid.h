#pragma once

#include <limits>

namespace ufvideo {

/// Which frames of a stream are taken: the first one at each point of a grid in stream time that
/// begins with the first frame. A frame counts as at a point from a tenth of a step before it, so
/// that the jitter of a camera at the grid's own rate skips no frame.
class FrameGrid {
 public:
  enum class Verdict { kTaken, kOffGrid, kLate };

  explicit FrameGrid(double fps) : fps_(fps) {}

  /// Judges a frame by its time; nothing has changed. A frame that is not later than the one before
  /// is late. Throws InvalidInput for a time that is not finite, or that lies a step or more before
  /// the latest one: the source has begun anew.
  Verdict judge(double time_s) const;
  /// Goes on from a frame that was judged as taken or off the grid.
  void pass(double time_s);

 private:
  /// The last point of the grid at a time, counted from the first frame.
  double point_at(double time_s) const;

  double fps_;
  bool has_begun_ = false;
  double first_s_ = 0.0;
  double latest_s_ = 0.0;
  double last_point_ = -std::numeric_limits<double>::infinity();
};

}  // namespace ufvideo
