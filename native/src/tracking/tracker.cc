#include "ufvideo/tracker.h"

#include <string>
#include <utility>

#include "base/error_message.h"
#include "tensor/device_memory.h"
#include "tensor/logits_scan.h"
#include "tracking/tracker_state.h"

namespace ufvideo {
namespace {

constexpr const char* kOneState = "track: seg_hidden_state";
constexpr const char* kStates = "track: seg_hidden_states";

/// The states in memory of their own, float32 [O, D].
Tensor finite_states(const Tensor& states, const char* where) {
  Tensor own = copied(states.on_host());
  if (!all_finite(own.data<float>(), static_cast<std::int64_t>(own.elements()))) {
    fail(ErrorCode::kInvalidInput, where, ": expected finite numbers, got some that are not");
  }
  return own;
}

[[noreturn]] void refuse(const Tensor& states, const char* where, const std::string& expected) {
  fail(ErrorCode::kInvalidInput, where, ": expected float32 ", expected, ", got ",
       dtype_name(states.dtype()), " ", shape_string(states.shape()));
}

/// The state as [1, D].
Tensor checked_state(const Tensor& state, std::int64_t width) {
  if (state.dtype() != DType::kFloat32 || state.shape() != Shape{width}) {
    refuse(state, kOneState, shape_string({width}));
  }
  return finite_states(state, kOneState).reshaped({1, width});
}

Tensor checked_states(const Tensor& states, std::int64_t width) {
  const Shape& shape = states.shape();
  if (states.dtype() != DType::kFloat32 || shape.size() != 2 || shape[0] < 1 || shape[1] != width) {
    refuse(states, kStates, message("[O, ", width, "] with O of 1 or more"));
  }
  return finite_states(states, kStates);
}

}  // namespace

TrackMemory parse_track_memory(const std::string& name) {
  if (name == "sam2") {
    return TrackMemory::kSam2;
  }
  if (name == "distractor") {
    return TrackMemory::kDistractor;
  }
  fail(ErrorCode::kInvalidConfig, "tracker: memory: expected \"sam2\" or \"distractor\", got \"",
       name, "\"");
}

/// Holds the tracker for one call: refuses a second thread.
class Tracker::Entry {
 public:
  explicit Entry(State& state, const CallOptions& options = {}) : state_(state) {
    if (state.busy.exchange(true)) {
      fail(ErrorCode::kInvalidState,
           "tracker: expected one thread at a time, another one is inside; make a tracker for each "
           "thread, the model is shared");
    }
    state.call.begin(options);
  }
  ~Entry() {
    state_.call.end();
    state_.publish();
    state_.busy = false;
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

 private:
  State& state_;
};

Tracker::Tracker(std::shared_ptr<const Model> model, std::shared_ptr<FeatureStore> store,
                 const TrackerConfig& config)
    : state_(std::make_unique<State>(std::move(model), std::move(store), config)) {}

Tracker::~Tracker() = default;

std::int64_t Tracker::add(const Tensor& seg_hidden_state) {
  const Entry entry(*state_);
  State& state = *state_;
  Tensor prompt = checked_state(seg_hidden_state, state.model->manifest().model.hidden_size);
  state.objects.push_back({state.num_added, MemoryBank(state.limits), {}, std::move(prompt)});
  return state.num_added++;
}

void Tracker::prompt(std::int64_t object_id, const Tensor& seg_hidden_state) {
  const Entry entry(*state_);
  State& state = *state_;
  TrackedObject& object = state.object(object_id);
  object.prompt = checked_state(seg_hidden_state, state.model->manifest().model.hidden_size);
}

void Tracker::remove(std::int64_t object_id) {
  const Entry entry(*state_);
  State& state = *state_;
  const auto position = &state.object(object_id) - state.objects.data();
  state.objects.erase(state.objects.begin() + position);
  state.lease.shrink_to(state.bank_bytes());
}

TrackedFrame Tracker::step(const std::optional<Tensor>& frame, std::int64_t frame_idx,
                           const CallOptions& options) {
  const Entry entry(*state_, options);
  TrackedFrame result;
  run_to_the_end("track", [&] { result = state_->step(frame, frame_idx); });
  return result;
}

TrackedFrame Tracker::decode_prompts(const Tensor& seg_hidden_states,
                                     const std::optional<Tensor>& frame, std::int64_t frame_idx,
                                     const CallOptions& options) {
  const Entry entry(*state_, options);
  const Tensor states =
      checked_states(seg_hidden_states, state_->model->manifest().model.hidden_size);
  TrackedFrame result;
  run_to_the_end("track", [&] { result = state_->decode_prompts(states, frame, frame_idx); });
  return result;
}

bool Tracker::holds_features(std::int64_t frame_idx) const {
  return state_->encoder.store()->holds_mask(frame_idx);
}

std::vector<std::int64_t> Tracker::object_ids() const {
  const std::lock_guard<std::mutex> lock(state_->published.mutex);
  return state_->published.object_ids;
}

std::size_t Tracker::memory_bytes() const {
  const std::lock_guard<std::mutex> lock(state_->published.mutex);
  return state_->published.memory_bytes;
}

StageTimings Tracker::timings() const {
  const std::lock_guard<std::mutex> lock(state_->published.mutex);
  return state_->published.timings;
}

}  // namespace ufvideo
