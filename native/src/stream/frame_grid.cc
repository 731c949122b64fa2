#include "stream/frame_grid.h"

#include <algorithm>
#include <cmath>

#include "base/error_message.h"

namespace ufvideo {
namespace {

constexpr double kEarly = 0.1;
/// Points of a grid are told apart below this: doubles count whole numbers to twice as much.
constexpr double kMostPoints = 4503599627370496.0;

}  // namespace

double FrameGrid::point_at(double time_s) const {
  return std::floor((time_s - first_s_) * fps_ + kEarly);
}

FrameGrid::Verdict FrameGrid::judge(double time_s) const {
  if (!std::isfinite(time_s)) {
    fail(ErrorCode::kInvalidInput, "push: t_s: expected finite seconds, got ", time_s);
  }
  if (std::abs(time_s) * fps_ >= kMostPoints) {
    fail(ErrorCode::kInvalidInput, "push: t_s: expected seconds below ", kMostPoints / fps_,
         ", so that frames of ", fps_, " a second have times of their own, got ", time_s);
  }
  if (!has_begun_) {
    return Verdict::kTaken;
  }
  if (time_s <= latest_s_) {
    if ((latest_s_ - time_s) * fps_ >= 1.0) {
      fail(ErrorCode::kInvalidInput, "push: t_s: expected a time after ", latest_s_,
           " s, that of the frame before, got ", time_s,
           " s: give a source that begins anew a clock that goes on, or open another stream");
    }
    return Verdict::kLate;
  }
  return point_at(time_s) > last_point_ ? Verdict::kTaken : Verdict::kOffGrid;
}

void FrameGrid::pass(double time_s) {
  if (!has_begun_) {
    has_begun_ = true;
    first_s_ = time_s;
  }
  latest_s_ = time_s;
  last_point_ = std::max(last_point_, point_at(time_s));
}

}  // namespace ufvideo
