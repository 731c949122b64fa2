#include "ufvideo/session.h"

#include <utility>

#include "base/error_message.h"
#include "session/batch_run.h"
#include "session/saved_clip.h"
#include "session/session_state.h"
#include "session/teacher_forcing.h"

namespace ufvideo {
namespace {

std::shared_ptr<FeatureStore> checked_store(const Model& model,
                                            std::shared_ptr<FeatureStore> store) {
  if (store && !store->is_of(model)) {
    fail(ErrorCode::kInvalidInput,
         "session: store: expected a feature store of this model, got another model's");
  }
  return store;
}

}  // namespace

Session::State::State(std::shared_ptr<const Model> shared_model,
                      std::shared_ptr<FeatureStore> store)
    : model(std::move(shared_model)),
      call([this] { publish(); }),
      clip(*model, call, checked_store(*model, std::move(store))),
      masks(*model, call, clip.store()),
      sequence(std::make_unique<Sequence>(*model, call)) {
  publish();
}

void Session::State::require_no_answer() const {
  if (answer) {
    fail(ErrorCode::kInvalidState,
         "session: expected no answer under way, one is; call finish first");
  }
}

void Session::State::require_ready() const {
  require_no_answer();
  clip.require_open("session");
}

void Session::State::require_answer() const {
  if (!answer) {
    fail(ErrorCode::kInvalidState, "session: expected an answer under way, none is; call begin");
  }
}

void Session::State::forget_conversation() {
  answer.reset();
  sequence->clear();
  if (next_sequence) {
    next_sequence->clear();
  }
  clip.forget_regions();
}

bool Session::State::is_poisoned() const {
  return sequence->is_poisoned() || (next_sequence && next_sequence->is_poisoned());
}

void Session::State::begin_call(const CallOptions* options) {
  if (options != nullptr) {
    call.begin({options->cancel.child(), options->on_progress});
  } else {
    call.begin(answer ? answer->call_options() : CallOptions{});
  }
  const std::lock_guard<std::mutex> lock(under_way_mutex);
  under_way = call.options().cancel;
}

void Session::State::end_call() {
  call.end();
  publish();
  const std::lock_guard<std::mutex> lock(under_way_mutex);
  under_way.reset();
  if (answer) {
    under_way = answer->call_options().cancel;
  }
}

void Session::State::publish() {
  const std::size_t kv_bytes =
      sequence->cache().bytes() + (next_sequence ? next_sequence->cache().bytes() : 0);
  const std::size_t bytes = clip.bytes() + masks.bytes() + kv_bytes;
  const std::lock_guard<std::mutex> lock(published.mutex);
  published.timings = call.timings();
  published.memory_bytes = bytes;
  published.kv_cache_bytes = kv_bytes;
}

Session::Entry::Entry(State& state, const CallOptions* options, Poisoned poisoned) : state_(state) {
  if (state.busy.exchange(true)) {
    fail(ErrorCode::kInvalidState,
         "session: expected one thread at a time, another one is inside; open a session for each "
         "thread, the model is shared");
  }
  if (state.is_poisoned() && poisoned == Poisoned::kRefused) {
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

Session::Session(std::shared_ptr<const Model> model, std::shared_ptr<FeatureStore> store)
    : state_(std::make_unique<State>(std::move(model), std::move(store))) {}

Session::~Session() = default;

void Session::State::begin_clip(const std::vector<std::int64_t>& frame_idxs, bool is_image) {
  require_no_answer();
  clip.begin(frame_idxs, is_image);
  forget_conversation();
}

void Session::begin_clip(const std::vector<std::int64_t>& frame_idxs, bool is_image) {
  const Entry entry(*state_);
  state_->begin_clip(frame_idxs, is_image);
}

void Session::add_frames(const Tensor& frames, const std::vector<std::int64_t>& frame_idxs,
                         const CallOptions& options) {
  const Entry entry(*state_, &options);
  run_to_the_end("clip", [&] { state_->clip.add(frames, frame_idxs); });
}

void Session::end_clip(const CallOptions& options) {
  const Entry entry(*state_, &options);
  run_to_the_end("clip", [&] { state_->clip.finish(); });
}

void Session::open_clip(const Clip& clip, const CallOptions& options) {
  const Entry entry(*state_, &options);
  check_frames(clip.frames, clip.frame_idxs, "clip");
  state_->begin_clip(clip.frame_idxs, clip.is_image);
  run_to_the_end("clip", [&] {
    state_->clip.add(clip.frames, clip.frame_idxs);
    state_->clip.finish();
  });
}

void Session::State::look_at(const StreamWindow& window) {
  require_no_answer();
  if (clip.looks_at(window)) {
    return;
  }
  clip.look_at(window);
  if (!window.num_dropped_next) {
    return;
  }
  const std::int64_t first = window.pairs.front()->first_idx;
  if (!next_sequence) {
    next_sequence = std::make_unique<Sequence>(*model, call);
  } else if (next_sequence->first_pair() == first && sequence->first_pair() != first) {
    std::swap(sequence, next_sequence);
  }
}

void Session::look_at(const StreamWindow& window) {
  const Entry entry(*state_);
  state_->look_at(window);
}

std::optional<SavedClip> Session::save_clip(const std::vector<std::int64_t>& prefix_ids,
                                            const CallOptions& options) {
  const Entry entry(*state_, &options);
  State& state = *state_;
  state.require_no_answer();
  state.clip.require_open("save");
  SavedClip saved;
  saved.is_image = state.clip.is_image();
  saved.prefix_ids = prefix_ids;
  check_prefix_ids(saved, state.model->manifest());
  const auto no_states = [](const PromptLayout&) { return std::vector<std::int64_t>{}; };
  if (!state.sequence->holds(prefix_ids, state.clip.pair_ids()) &&
      !prefill_prompt(state.answer_parts(), {prefix_ids, {}, {}, {}}, no_states)) {
    return std::nullopt;
  }
  state.clip.save_to(saved);
  state.sequence->save_to(
      saved, static_cast<std::int64_t>(prefix_ids.size()) - 1 + saved.video_tokens.dim(0));
  return saved;
}

void Session::restore_clip(const SavedClip& saved) {
  const Entry entry(*state_);
  State& state = *state_;
  state.require_no_answer();
  state.clip.check_saved(saved);
  state.sequence->check_saved(saved);
  state.begin_clip(saved.frame_idxs, saved.is_image);
  try {
    state.sequence->restore(saved);
    state.clip.restore(saved);
  } catch (...) {
    // The prefix of a clip that is not open.
    state.forget_conversation();
    throw;
  }
}

std::vector<std::int64_t> Session::missing_frames(
    const std::vector<std::int64_t>& frame_idxs) const {
  const Entry entry(*state_);
  return state_->clip.missing(frame_idxs);
}

void Session::State::begin_answer(const Prompt& prompt, const GenerationConfig& config) {
  config.validate();
  require_ready();
  answer.emplace(answer_parts(), prompt, config);
}

std::optional<std::int64_t> Session::State::next_token() {
  require_answer();
  try {
    return answer->next();
  } catch (...) {
    answer.reset();
    throw;
  }
}

Generation Session::State::finish_answer() {
  require_answer();
  Generation generation = answer->finish();
  answer.reset();
  return generation;
}

Generation Session::generate(const Prompt& prompt, const GenerationConfig& config,
                             const TokenCallback& callback, const CallOptions& options) {
  const Entry entry(*state_, &options);
  State& state = *state_;
  state.begin_answer(prompt, config);
  while (const std::optional<std::int64_t> token = state.next_token()) {
    if (!callback) {
      continue;
    }
    StreamAction action = StreamAction::kContinue;
    try {
      action = callback(*token);
    } catch (...) {
      state.answer.reset();
      throw;
    }
    if (action != StreamAction::kContinue) {
      state.answer->end(action == StreamAction::kStop ? StopReason::kStopped
                                                      : StopReason::kCancelled);
    }
  }
  return state.finish_answer();
}

std::vector<Generation> Session::generate_many(const std::vector<Prompt>& prompts,
                                               const GenerationConfig& config,
                                               const IndexedTokenCallback& callback,
                                               const CallOptions& options) {
  const Entry entry(*state_, &options);
  config.validate();
  state_->require_ready();
  return answer_batch(state_->answer_parts(), prompts, config, callback);
}

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

Generation Session::teacher_force(const Prompt& prompt, std::int64_t answer_start,
                                  const CallOptions& options) {
  const Entry entry(*state_, &options);
  state_->require_ready();
  return teacher_forced(state_->answer_parts(), prompt, answer_start);
}

Segmentation Session::segment(const Tensor& seg_hidden_states, const Tensor& frames,
                              const std::vector<std::int64_t>& frame_idxs, bool continues,
                              const CallOptions& options) {
  const Entry entry(*state_, &options);
  return state_->masks.segment({seg_hidden_states, frames, frame_idxs, continues});
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

const std::shared_ptr<FeatureStore>& Session::feature_store() const { return state_->clip.store(); }

Tensor Session::video_tokens() const {
  const Entry entry(*state_, nullptr, Poisoned::kAccepted);
  state_->clip.require_open("video_tokens");
  return state_->clip.video_tokens().on_host();
}

StageTimings Session::timings() const {
  const std::lock_guard<std::mutex> lock(state_->published.mutex);
  return state_->published.timings;
}

std::size_t Session::memory_bytes() const {
  const std::lock_guard<std::mutex> lock(state_->published.mutex);
  return state_->published.memory_bytes;
}

std::size_t Session::kv_cache_bytes() const {
  const std::lock_guard<std::mutex> lock(state_->published.mutex);
  return state_->published.kv_cache_bytes;
}

}  // namespace ufvideo
