#include "stream/kept_frames.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error_message.h"

namespace ufvideo {

KeptFrames::KeptFrames(const StreamConfig& config, const VideoConfig& video)
    : most_pairs_(config.num_pairs(video)),
      num_dropped_(config.num_dropped_pairs(video)),
      has_next_(config.num_prefixes == 2),
      history_s_(config.history_s),
      num_frames_(video.num_frames) {}

void KeptFrames::add_frame(SharedFrame frame) { frames_.push_back(std::move(frame)); }

std::vector<std::int64_t> KeptFrames::add_pair(SharedPair pair) {
  std::vector<std::int64_t> left;
  const std::int64_t number = pair->first_idx / 2;
  const double now_s = pair->times_s[1];
  if (number - first_pair_ == most_pairs_) {
    first_pair_ += num_dropped_;
    for (; frames_.front()->frame_idx < first_idx(); frames_.pop_front()) {
      left.push_back(frames_.front()->frame_idx);
    }
  }
  pairs_.push_back(std::move(pair));
  forget_history(now_s);
  return left;
}

void KeptFrames::forget_history(double now_s) {
  while (pairs_.front()->first_idx < first_idx() &&
         pairs_.front()->times_s[0] < now_s - history_s_) {
    forgotten_s_ = pairs_.front()->times_s[1];
    pairs_.pop_front();
  }
}

StreamWindow KeptFrames::window() const {
  StreamWindow window;
  for (auto pair = pairs_.rbegin(); pair != pairs_.rend() && (*pair)->first_idx >= first_idx();
       ++pair) {
    window.pairs.push_back(*pair);
  }
  std::reverse(window.pairs.begin(), window.pairs.end());
  for (const SharedFrame& frame : frames_) {
    // Not one whose pair is not whole.
    if (!pairs_.empty() && frame->frame_idx <= pairs_.back()->first_idx + 1) {
      window.frames.push_back(frame);
    }
  }
  if (has_next_) {
    window.num_dropped_next = static_cast<std::size_t>(num_dropped_);
  }
  return window;
}

void KeptFrames::check_span(double begin_s, double end_s) const {
  if (!std::isfinite(begin_s) || !std::isfinite(end_s) || begin_s > end_s) {
    fail(ErrorCode::kInvalidInput, "past: expected finite seconds with t0_s <= t1_s, got ", begin_s,
         " and ", end_s);
  }
  if (forgotten_s_ && begin_s <= *forgotten_s_) {
    fail(ErrorCode::kInvalidInput, "past: t0_s: expected a time after ", *forgotten_s_,
         " s, up to which nothing is kept any more (history_s: ", history_s_, "), got ", begin_s);
  }
}

StreamWindow KeptFrames::past(double begin_s, double end_s) const {
  check_span(begin_s, end_s);
  const auto is_inside = [&](double time_s) { return begin_s <= time_s && time_s <= end_s; };
  StreamWindow past;
  std::int64_t num_inside = 0;
  for (const SharedPair& pair : pairs_) {
    const int count = int{is_inside(pair->times_s[0])} + int{is_inside(pair->times_s[1])};
    num_inside += count;
    if (count == 2) {
      past.pairs.push_back(pair);
    }
  }
  if (num_inside > num_frames_) {
    fail(ErrorCode::kInvalidInput, "past: expected at most ", num_frames_,
         " frames between t0_s and t1_s, as many as the model looks at, got ", num_inside,
         ": ask about a shorter time");
  }
  if (past.pairs.empty()) {
    fail(ErrorCode::kInvalidInput, "past: expected a whole pair of frames between ", begin_s,
         " s and ", end_s, " s, got none: ",
         pairs_.empty() ? message("no pair is kept")
                        : message("pairs are kept from ", pairs_.front()->times_s[0], " s to ",
                                  pairs_.back()->times_s[1], " s"));
  }
  for (const SharedFrame& frame : frames_) {
    if (frame->frame_idx >= past.pairs.front()->first_idx &&
        frame->frame_idx <= past.pairs.back()->first_idx + 1) {
      past.frames.push_back(frame);
    }
  }
  return past;
}

std::size_t KeptFrames::bytes() const {
  std::size_t bytes = 0;
  for (const SharedPair& pair : pairs_) {
    bytes += pair->video_tokens.bytes();
  }
  for (const SharedFrame& frame : frames_) {
    bytes += frame->pixels.bytes();
  }
  return bytes;
}

std::vector<SharedFrame> KeptFrames::frames_after(std::int64_t frame_idx) const {
  std::vector<SharedFrame> after;
  for (const SharedFrame& frame : frames_) {
    if (frame->frame_idx > frame_idx) {
      after.push_back(frame);
    }
  }
  return after;
}

}  // namespace ufvideo
