#include <cmath>

#include "base/error_message.h"
#include "ufvideo/video_stream.h"

namespace ufvideo {

int StreamConfig::num_pairs(const VideoConfig& video) const {
  return num_frames.value_or(video.num_frames) / 2;
}

int StreamConfig::num_dropped_pairs(const VideoConfig& video) const {
  // Of an odd number the larger half: the second prefix then needs no pair a third time.
  return num_prefixes == 2 ? (num_pairs(video) + 1) / 2 : drop_pairs.value_or(1);
}

void StreamConfig::validate(const VideoConfig& video) const {
  if (video.aligner_padding != 0) {
    fail(ErrorCode::kInvalidPackage, "manifest.json: video.aligner_padding: expected 0, so that a ",
         "pair of frames is aligned by itself, for a stream, got ", video.aligner_padding);
  }
  if (!std::isfinite(fps) || fps <= 0.0 || fps > 1000.0) {
    fail(ErrorCode::kInvalidInput, "fps: expected more than 0 and at most 1000, got ", fps);
  }
  const int most = video.num_frames / 2 * 2;
  if (num_frames && (*num_frames < 2 || *num_frames > most || *num_frames % 2 != 0)) {
    fail(ErrorCode::kInvalidInput, "frames: expected an even number of 2 to ", most,
         " (the aligner joins pairs; the model looks at ", video.num_frames, "), got ",
         *num_frames);
  }
  if (num_prefixes != 1 && num_prefixes != 2) {
    fail(ErrorCode::kInvalidInput, "prefixes: expected 1 or 2, got ", num_prefixes);
  }
  const int pairs = num_pairs(video);
  if (drop_pairs && (*drop_pairs < 1 || *drop_pairs > pairs)) {
    fail(ErrorCode::kInvalidInput, "drop_pairs: expected 1 to ", pairs,
         ", the pairs of the window, got ", *drop_pairs);
  }
  const int half = (pairs + 1) / 2;
  if (num_prefixes == 2 && drop_pairs && *drop_pairs != half) {
    fail(ErrorCode::kInvalidInput, "drop_pairs: expected ", half,
         " with two prefixes, which begin half a window apart, got ", *drop_pairs);
  }
  if (!std::isfinite(history_s) || history_s < 0.0) {
    fail(ErrorCode::kInvalidInput, "history_s: expected 0 or more seconds, got ", history_s);
  }
}

std::vector<std::int64_t> StreamWindow::frame_idxs() const {
  std::vector<std::int64_t> idxs;
  for (const auto& pair : pairs) {
    idxs.insert(idxs.end(), {pair->first_idx, pair->first_idx + 1});
  }
  return idxs;
}

}  // namespace ufvideo
