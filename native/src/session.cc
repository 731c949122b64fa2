#include "ufvideo/session.h"

#include <utility>

#include "core/error_message.h"
#include "session_state.h"

namespace ufvideo {

Session::State::State(std::shared_ptr<const Model> shared_model)
    : model(std::move(shared_model)),
      frame_encoder(*model),
      mask_features(model->config().mask_cache_bytes),
      cache(model->language_model().make_cache()),
      held(model->manifest().tokens.region_id) {}

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
  cancelled = false;
  poisoned = false;
}

Session::Entry::Entry(State& state, Poisoned poisoned) : state_(state) {
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
}

Session::Entry::~Entry() { state_.busy = false; }

Session::Session(std::shared_ptr<const Model> model)
    : state_(std::make_unique<State>(std::move(model))) {}

Session::~Session() = default;

void Session::begin(const Prompt& prompt, const GenerationConfig& config) {
  const Entry entry(*state_);
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
  const Entry entry(*state_, Poisoned::kAccepted);
  state_->answer.reset();
}

void Session::cancel() { state_->cancelled = true; }

void Session::forget_cancel() { state_->cancelled = false; }

void Session::reset() {
  const Entry entry(*state_, Poisoned::kAccepted);
  state_->forget_conversation();
}

Tensor Session::video_tokens() const {
  const Entry entry(*state_, Poisoned::kAccepted);
  state_->require_clip("video_tokens");
  return state_->video_tokens.on_host();
}

StageTimings Session::timings() const {
  const Entry entry(*state_, Poisoned::kAccepted);
  return state_->timings;
}

std::size_t Session::held_bytes() const {
  const Entry entry(*state_, Poisoned::kAccepted);
  return state_->frame_encoder.bytes() + state_->video_tokens.bytes() +
         state_->mask_features.bytes() + state_->cache->bytes();
}

std::size_t Session::kv_cache_bytes() const {
  const Entry entry(*state_, Poisoned::kAccepted);
  return state_->cache->bytes();
}

}  // namespace ufvideo
