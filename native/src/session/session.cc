#include "ufvideo/session.h"

#include <utility>

#include "base/error_message.h"
#include "session/session_state.h"

namespace ufvideo {

Session::State::State(std::shared_ptr<const Model> shared_model)
    : model(std::move(shared_model)),
      frame_encoder(*model),
      mask_features(model->config().mask_cache_bytes),
      cache(model->language_model().make_cache()),
      held(model->manifest().tokens.region_id) {
  publish();
}

void Session::State::require_clip(const char* where) const {
  if (video_tokens.empty()) {
    fail(ErrorCode::kInvalidState, where, ": expected an open clip, none is; call open_clip first");
  }
}

void Session::State::require_no_answer() const {
  if (answer) {
    fail(ErrorCode::kInvalidState,
         "session: expected no answer under way, one is; call finish first");
  }
}

void Session::State::forget_conversation() {
  answer.reset();
  held.keep(0);
  cache = model->language_model().make_cache();
  frame_encoder.forget_regions();
  poisoned = false;
}

void Session::State::begin_call(const CallOptions* options) {
  if (options != nullptr) {
    call = {options->cancel.child(), options->on_progress};
  } else {
    call = answer ? answer->call : CallOptions{};
  }
  scope.emplace(call.cancel);
  const std::lock_guard<std::mutex> lock(under_way_mutex);
  under_way = call.cancel;
}

void Session::State::end_call() {
  scope.reset();
  call = {};
  publish();
  const std::lock_guard<std::mutex> lock(under_way_mutex);
  under_way.reset();
  if (answer) {
    under_way = answer->call.cancel;
  }
}

void Session::State::publish() {
  const std::size_t kv_bytes = cache->bytes();
  const std::size_t bytes =
      frame_encoder.bytes() + video_tokens.bytes() + mask_features.bytes() + kv_bytes;
  const std::lock_guard<std::mutex> lock(published.mutex);
  published.timings = timings;
  published.held_bytes = bytes;
  published.kv_cache_bytes = kv_bytes;
}

void Session::State::report(std::int64_t done, std::int64_t total) {
  publish();
  if (call.on_progress) {
    call.on_progress(done, total);
  }
}

Session::Entry::Entry(State& state, const CallOptions* options, Poisoned poisoned) : state_(state) {
  if (state.busy.exchange(true)) {
    fail(ErrorCode::kInvalidState,
         "session: expected one thread at a time, another one is inside; open a session for each "
         "thread, the model is shared");
  }
  if (state.poisoned && poisoned == Poisoned::kRefused) {
    state.busy = false;
    fail(ErrorCode::kInvalidState,
         "session: expected a sound session, an earlier run failed; call reset()");
  }
  state.begin_call(options);
}

Session::Entry::~Entry() {
  state_.end_call();
  state_.busy = false;
}

Session::Session(std::shared_ptr<const Model> model)
    : state_(std::make_unique<State>(std::move(model))) {}

Session::~Session() = default;

void Session::begin(const Prompt& prompt, const GenerationConfig& config,
                    const CallOptions& options) {
  const Entry entry(*state_, &options);
  state_->begin_answer(prompt, config);
}

std::optional<std::int64_t> Session::step() {
  const Entry entry(*state_);
  return state_->next_token();
}

Generation Session::finish() {
  const Entry entry(*state_);
  return state_->finish_answer();
}

void Session::drop_answer() {
  const Entry entry(*state_, nullptr, Poisoned::kAccepted);
  state_->answer.reset();
}

void Session::cancel() {
  std::optional<CancellationToken> under_way;
  {
    const std::lock_guard<std::mutex> lock(state_->under_way_mutex);
    under_way = state_->under_way;
  }
  if (under_way) {
    under_way->cancel();
  }
}

void Session::reset() {
  const Entry entry(*state_, nullptr, Poisoned::kAccepted);
  state_->forget_conversation();
}

Tensor Session::video_tokens() const {
  const Entry entry(*state_, nullptr, Poisoned::kAccepted);
  state_->require_clip("video_tokens");
  return state_->video_tokens.on_host();
}

StageTimings Session::timings() const {
  const std::lock_guard<std::mutex> lock(state_->published.mutex);
  return state_->published.timings;
}

std::size_t Session::held_bytes() const {
  const std::lock_guard<std::mutex> lock(state_->published.mutex);
  return state_->published.held_bytes;
}

std::size_t Session::kv_cache_bytes() const {
  const std::lock_guard<std::mutex> lock(state_->published.mutex);
  return state_->published.kv_cache_bytes;
}

}  // namespace ufvideo
