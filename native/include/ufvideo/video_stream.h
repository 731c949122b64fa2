#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "ufvideo/cancellation.h"
#include "ufvideo/feature_store.h"
#include "ufvideo/manifest.h"
#include "ufvideo/model.h"
#include "ufvideo/statistics.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// Which frames of a stream are looked at, and what is kept of them.
struct StreamConfig {
  /// Frames are taken on a grid of 1 / fps seconds of stream time.
  double fps = 1.0;
  /// Most frames of the window, an even number of 2 to the model's num_frames; unset: the largest.
  std::optional<int> num_frames;
  /// Prefixes of the language model that are kept: 1, or 2 that begin half a window apart, so that
  /// the second one holds what stays when the window drops its older half.
  int num_prefixes = 1;
  /// Pairs of frames that a full window drops at once; unset: one. With two prefixes it is always
  /// half of the window.
  std::optional<int> drop_pairs;
  /// How long video tokens of frames are kept that have left the window, seconds of stream time.
  double history_s = 0.0;
  /// Whether the channels of pushed frames are blue, green, red.
  bool is_bgr = false;

  /// Most pairs of the window, and those that leave it at once.
  int num_pairs(const VideoConfig& video) const;
  int num_dropped_pairs(const VideoConfig& video) const;
  /// Throws InvalidInput naming the field, the value and what is allowed; InvalidPackage if the
  /// aligner does not align a pair of frames by itself.
  void validate(const VideoConfig& video) const;
};

/// A frame that a stream has taken.
struct StreamFrame {
  /// Number among the frames taken, without holes.
  std::int64_t frame_idx = 0;
  /// Stream time, and seconds since 1970 in UTC where they are known.
  double time_s = 0.0;
  std::optional<double> wall_s;
  /// RGB, uint8 [H, W, 3].
  Tensor pixels;
  /// How much its vision features differ from those of the frame before, from 0 to 1; unset for the
  /// first frame, and while it waits to be encoded.
  std::optional<double> change;
};

/// Two frames that follow one another, encoded.
struct StreamPair {
  /// Even; the second frame's is the next one.
  std::int64_t first_idx = 0;
  std::array<double, 2> times_s{};
  std::array<std::optional<double>, 2> walls_s{};
  /// float32 [N, D] of the pair.
  Tensor video_tokens;
};

/// Frames of a stream at one moment. It stays as it is while the stream goes on.
struct StreamWindow {
  /// Oldest first.
  std::vector<std::shared_ptr<const StreamPair>> pairs;
  /// How many of the pairs leave at once when the window is full; unset: no prefix is kept for
  /// this.
  std::optional<std::size_t> num_dropped_next;
  /// Frames of the pairs whose pixels the stream still has, oldest first.
  std::vector<std::shared_ptr<const StreamFrame>> frames;
  /// [H, W].
  Shape frame_size;
  /// Where features of the frames are.
  std::shared_ptr<FeatureStore> store;

  std::vector<std::int64_t> frame_idxs() const;
};

/// What has become of the frames that were pushed.
struct StreamStatistics {
  std::int64_t num_pushed = 0;
  std::int64_t num_taken = 0;
  std::int64_t num_encoded = 0;
  /// Taken, and not encoded yet.
  std::int64_t num_waiting = 0;
  /// Not on the grid; not later than the frame before; pushed out of a full queue; of which a graph
  /// failed.
  std::int64_t num_off_grid = 0;
  std::int64_t num_late = 0;
  std::int64_t num_overflowed = 0;
  std::int64_t num_failed = 0;
  /// Features, video tokens and pixels held.
  std::size_t memory_bytes = 0;
  StageTimings timings;
};

/// A live window: frames are pushed as they come, each goes through the vision encoder once and
/// each pair of them through the aligner once, and the window holds the latest pairs.
/// Session::look_at asks about it. Any thread may call any function.
///
/// Which frames are in the window follows from the frames pushed alone. It holds at most
/// StreamConfig::num_frames; a pair that finds it full makes it drop its oldest num_dropped_pairs
/// first. A frame whose pair is not whole yet is encoded and not in the window.
class VideoStream {
 public:
  /// Throws as StreamConfig::validate.
  VideoStream(std::shared_ptr<const Model> model, const StreamConfig& config);
  ~VideoStream();
  VideoStream(const VideoStream&) = delete;
  VideoStream& operator=(const VideoStream&) = delete;

  /// Takes a copy of a frame, uint8 [H, W, 3], if it is the first one at a point of the grid (a
  /// tenth of a step before it counts as at it), and encodes what waits, unless another thread is
  /// encoding: then the frame waits in a queue as long as the window, whose oldest frame is dropped
  /// if it is full. Frames not later than the one before are counted and left out.
  ///
  /// Throws InvalidInput for a frame of another size, a time that is not finite, or one that lies a
  /// step of the grid or more before the latest one; OutOfMemory when the budget has no room.
  void push(const Tensor& frame, double time_s, std::optional<double> wall_s = std::nullopt);

  /// Encodes the frames that wait. Returns early if the token is cancelled.
  void encode_waiting(const CancellationToken& cancel = {});

  /// What is looked at now; without pairs while fewer than two frames are encoded.
  StreamWindow window() const;
  /// The pairs that lie between two times, both included, of the window and of the history.
  ///
  /// Throws InvalidInput if more frames than the model looks at lie between them, or no whole pair,
  /// or if frames between them are not kept any more.
  StreamWindow past(double begin_s, double end_s) const;
  /// The encoded frames behind a frame whose pixels are kept, that of a pair that is not whole
  /// included, oldest first.
  std::vector<std::shared_ptr<const StreamFrame>> frames_after(std::int64_t frame_idx) const;

  /// Features of the frames by frame_idx; they are dropped when a frame leaves the window.
  const std::shared_ptr<FeatureStore>& feature_store() const;
  /// Without waiting for a thread that encodes.
  StreamStatistics statistics() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ufvideo
