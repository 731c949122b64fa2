#include "ufvideo/video_stream.h"

#include <cstring>
#include <deque>
#include <mutex>
#include <utility>

#include "base/cancellation.h"
#include "base/error_message.h"
#include "base/stage_clock.h"
#include "config/memory_budget.h"
#include "features/frame_encoder.h"
#include "stream/frame_change.h"
#include "stream/frame_grid.h"
#include "stream/kept_frames.h"
#include "tensor/device_memory.h"
#include "ufvideo/frame_batches.h"

namespace ufvideo {
namespace {

/// Something that counts in the budget for as long as anyone has it.
template <typename Item>
struct Leased {
  Item item;
  MemoryLease lease;
};

template <typename Item>
std::shared_ptr<Item> leased(Item item, MemoryLease lease) {
  auto held = std::make_shared<Leased<Item>>(Leased<Item>{std::move(item), std::move(lease)});
  return std::shared_ptr<Item>(held, &held->item);
}

void check_frame(const Tensor& frame) {
  const Shape& shape = frame.shape();
  if (frame.dtype() != DType::kUint8 || shape.size() != 3 || shape[0] < 1 || shape[1] < 1 ||
      shape[2] != 3) {
    fail(ErrorCode::kInvalidInput, "push: frame: expected uint8 [H, W, 3], got ",
         dtype_name(frame.dtype()), " ", shape_string(shape));
  }
}

/// RGB in memory of its own.
Tensor rgb_copy(const Tensor& frame, bool is_bgr) {
  Tensor copy(DType::kUint8, frame.shape());
  if (!is_bgr) {
    std::memcpy(copy.raw(), frame.raw(), frame.bytes());
    return copy;
  }
  const std::uint8_t* from = frame.data<std::uint8_t>();
  std::uint8_t* to = copy.data<std::uint8_t>();
  for (std::size_t i = 0; i < frame.elements(); i += 3) {
    to[i] = from[i + 2];
    to[i + 1] = from[i + 1];
    to[i + 2] = from[i];
  }
  return copy;
}

}  // namespace

struct VideoStream::State {
  State(std::shared_ptr<const Model> shared_model, const StreamConfig& stream_config)
      : model(std::move(shared_model)),
        config(stream_config),
        store(std::make_shared<FeatureStore>(*model)),
        grid(config.fps),
        kept(config, model->manifest().video) {}

  using Frame = std::shared_ptr<StreamFrame>;

  MemoryLease lease_of(std::size_t bytes, const char* reason) const {
    MemoryLease lease(model->memory_budget(), MemoryKind::kClipFeatures);
    lease.grow(bytes, {"stream", reason, "open a stream of fewer frames or without a history"});
    return lease;
  }

  void enqueue(const Tensor& frame, double time_s, std::optional<double> wall_s);
  bool has_waiting() const;
  Frame take_waiting();
  void put_back(Frame frame);
  /// Encodes a frame; the caller has work_mutex.
  void encode(const Frame& frame);
  /// Encodes what waits, at most `most` frames.
  void encode_waiting(std::size_t most);
  Tensor features_of(const Tensor& pixels);
  Tensor tokens_of(const Tensor& first, const Tensor& second);

  const std::shared_ptr<const Model> model;
  const StreamConfig config;
  const std::shared_ptr<FeatureStore> store;

  /// Orders those who push.
  std::mutex push_mutex;
  FrameGrid grid;

  /// Held by who encodes.
  std::mutex work_mutex;
  StageTimings timings;
  std::int64_t num_encoded = 0;
  /// Pinned in the store, in order.
  std::deque<std::pair<std::int64_t, std::shared_ptr<const Tensor>>> pinned;

  /// Held briefly, never while a graph runs.
  mutable std::mutex mutex;
  Shape frame_size;
  std::deque<Frame> waiting;
  KeptFrames kept;
  StreamStatistics statistics;
};

void VideoStream::State::enqueue(const Tensor& frame, double time_s, std::optional<double> wall_s) {
  check_frame(frame);
  const std::lock_guard<std::mutex> pushing(push_mutex);
  const Shape size{frame.dim(0), frame.dim(1)};
  const FrameGrid::Verdict verdict = grid.judge(time_s);
  {
    const std::lock_guard<std::mutex> lock(mutex);
    if (!frame_size.empty() && size != frame_size) {
      fail(ErrorCode::kInvalidInput, "push: frame: expected the size of the frames before, ",
           shape_string(frame_size), ", got ", shape_string(size),
           ": resize it, or open another stream");
    }
    if (verdict != FrameGrid::Verdict::kTaken) {
      ++statistics.num_pushed;
      ++(verdict == FrameGrid::Verdict::kLate ? statistics.num_late : statistics.num_off_grid);
    }
  }
  if (verdict == FrameGrid::Verdict::kTaken) {
    MemoryLease lease = lease_of(frame.bytes(), "for the pixels of a frame");
    StreamFrame taken{0, time_s, wall_s, rgb_copy(frame, config.is_bgr), std::nullopt};
    Frame shared = leased(std::move(taken), std::move(lease));
    const std::lock_guard<std::mutex> lock(mutex);
    frame_size = size;
    store->set_frame_size(size);
    ++statistics.num_pushed;
    ++statistics.num_taken;
    const auto num_pairs = static_cast<std::size_t>(config.num_pairs(model->manifest().video));
    if (waiting.size() == 2 * num_pairs) {
      // What would leave the window first anyway.
      waiting.pop_front();
      ++statistics.num_overflowed;
    }
    waiting.push_back(std::move(shared));
  }
  if (verdict != FrameGrid::Verdict::kLate) {
    grid.pass(time_s);
  }
}

bool VideoStream::State::has_waiting() const {
  const std::lock_guard<std::mutex> lock(mutex);
  return !waiting.empty();
}

VideoStream::State::Frame VideoStream::State::take_waiting() {
  const std::lock_guard<std::mutex> lock(mutex);
  if (waiting.empty()) {
    return nullptr;
  }
  Frame frame = std::move(waiting.front());
  waiting.pop_front();
  return frame;
}

void VideoStream::State::put_back(Frame frame) {
  const std::lock_guard<std::mutex> lock(mutex);
  waiting.push_front(std::move(frame));
}

Tensor VideoStream::State::features_of(const Tensor& pixels) {
  const int size_px = model->manifest().video.vision_size_px;
  const Tensor one = pixels.reshaped({1, pixels.dim(0), pixels.dim(1), 3});
  const Tensor batch = resized_rows(one, {0}, size_px, resize_threads(model->config()), timings);
  const VisionEncoder& encoder = model->vision_encoder();
  return copied(timed(timings, encoder.stem(), 1, [&] { return encoder.encode(batch); }));
}

Tensor VideoStream::State::tokens_of(const Tensor& first, const Tensor& second) {
  const Aligner& aligner = model->aligner();
  const Tensor tokens = timed(timings, aligner.stem(), 2,
                              [&] { return aligner.align(concatenated({first, second})); });
  const std::int64_t expected = num_video_tokens(model->manifest().video, 2);
  if (tokens.dim(0) != expected) {
    fail(ErrorCode::kInvalidPackage, "aligner: video_tokens: expected ", expected,
         " tokens of 2 frames (by patch_grid and aligner_padding), the graph gave ", tokens.dim(0));
  }
  return copied(tokens);
}

void VideoStream::State::encode(const Frame& frame) {
  frame->frame_idx = num_encoded;
  Tensor features = features_of(frame->pixels);
  if (!pinned.empty()) {
    frame->change = frame_change(pinned.back().second->on_host(), features.on_host());
  }
  SharedPair pair;
  if (num_encoded % 2 == 1) {
    StreamFrame first;
    {
      const std::lock_guard<std::mutex> lock(mutex);
      first = *kept.frames_after(num_encoded - 2).front();
    }
    Tensor tokens = tokens_of(*pinned.back().second, features);
    MemoryLease lease = lease_of(tokens.bytes(), "for the video tokens of a pair of frames");
    pair = leased(StreamPair{first.frame_idx,
                             {first.time_s, frame->time_s},
                             {first.wall_s, frame->wall_s},
                             std::move(tokens)},
                  std::move(lease));
  }
  pinned.emplace_back(num_encoded, store->pin_vision(num_encoded, std::move(features)));
  ++num_encoded;
  std::vector<std::int64_t> left;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    statistics.num_encoded = num_encoded;
    statistics.timings = timings;
    kept.add_frame(frame);
    if (pair) {
      left = kept.add_pair(std::move(pair));
    }
  }
  if (left.empty()) {
    return;
  }
  const std::uint64_t scan = store->begin_scan();
  for (; pinned.front().first <= left.back(); pinned.pop_front()) {
    store->unpin_vision(pinned.front().first, pinned.front().second, scan);
  }
  store->drop_before(left.back() + 1);
}

void VideoStream::State::encode_waiting(std::size_t most) {
  for (std::size_t done = 0; done < most; ++done) {
    Frame frame = take_waiting();
    if (!frame) {
      return;
    }
    try {
      encode(frame);
    } catch (const RunCancelled&) {
      put_back(std::move(frame));
      throw;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kOutOfMemory) {
        put_back(std::move(frame));
      } else {
        const std::lock_guard<std::mutex> lock(mutex);
        ++statistics.num_failed;
      }
      throw;
    }
  }
}

VideoStream::VideoStream(std::shared_ptr<const Model> model, const StreamConfig& config) {
  config.validate(model->manifest().video);
  state_ = std::make_unique<State>(std::move(model), config);
}

VideoStream::~VideoStream() {
  // Sessions of windows and of the past may share the store and go on.
  const std::uint64_t scan = state_->store->begin_scan();
  for (const auto& [idx, features] : state_->pinned) {
    state_->store->unpin_vision(idx, features, scan);
  }
}

void VideoStream::push(const Tensor& frame, double time_s, std::optional<double> wall_s) {
  state_->enqueue(frame, time_s, wall_s);
  // Whoever lets go of the lock looks again, so that no frame waits that found it taken.
  while (state_->has_waiting()) {
    const std::unique_lock<std::mutex> working(state_->work_mutex, std::try_to_lock);
    if (!working) {
      return;
    }
    state_->encode_waiting(1);
  }
}

void VideoStream::encode_waiting(const CancellationToken& cancel) {
  const std::lock_guard<std::mutex> working(state_->work_mutex);
  std::size_t most = 0;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    most = state_->waiting.size();
  }
  const CancellationScope scope(cancel);
  try {
    state_->encode_waiting(most);
  } catch (const RunCancelled&) {
    return;  // The frame waits on.
  }
}

StreamWindow VideoStream::window() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  StreamWindow window = state_->kept.window();
  window.frame_size = state_->frame_size;
  window.store = state_->store;
  return window;
}

StreamWindow VideoStream::past(double begin_s, double end_s) const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  StreamWindow past = state_->kept.past(begin_s, end_s);
  past.frame_size = state_->frame_size;
  past.store = state_->store;
  return past;
}

std::vector<std::shared_ptr<const StreamFrame>> VideoStream::frames_after(
    std::int64_t frame_idx) const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->kept.frames_after(frame_idx);
}

const std::shared_ptr<FeatureStore>& VideoStream::feature_store() const { return state_->store; }

StreamStatistics VideoStream::statistics() const {
  StreamStatistics statistics;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    statistics = state_->statistics;
    statistics.num_waiting = static_cast<std::int64_t>(state_->waiting.size());
    statistics.memory_bytes = state_->kept.bytes();
    for (const State::Frame& frame : state_->waiting) {
      statistics.memory_bytes += frame->pixels.bytes();
    }
  }
  statistics.memory_bytes += state_->store->vision_bytes() + state_->store->mask_bytes();
  return statistics;
}

}  // namespace ufvideo
