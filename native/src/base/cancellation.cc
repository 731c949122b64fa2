#include "base/cancellation.h"

#include <atomic>
#include <mutex>
#include <unordered_set>
#include <utility>

namespace ufvideo {
namespace {

thread_local const CancellationToken* current_token = nullptr;

}  // namespace

struct CancellationToken::State {
  explicit State(std::shared_ptr<State> parent_state) : parent(std::move(parent_state)) {}

  /// A child asks its parents instead of being listed by them: a token that lives as long as the
  /// process does not grow with the calls that get it.
  const std::shared_ptr<State> parent;
  std::atomic<bool> cancelled{false};
  /// Held while functions run, so that none runs once it has been removed.
  std::mutex mutex;
  std::unordered_set<const std::function<void()>*> functions;
};

CancellationToken::CancellationToken() : state_(std::make_shared<State>(nullptr)) {}

CancellationToken::CancellationToken(std::shared_ptr<State> state) : state_(std::move(state)) {}

CancellationToken CancellationToken::child() const {
  return CancellationToken(std::make_shared<State>(state_));
}

void CancellationToken::cancel() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->cancelled = true;
  for (const std::function<void()>* function : state_->functions) {
    (*function)();
  }
}

bool CancellationToken::is_cancelled() const {
  for (const State* state = state_.get(); state != nullptr; state = state->parent.get()) {
    if (state->cancelled) {
      return true;
    }
  }
  return false;
}

CancellationCallback::CancellationCallback(const CancellationToken& token,
                                           std::function<void()> function)
    : token_(token), function_(std::move(function)) {
  for (auto* state = token_.state_.get(); state != nullptr; state = state->parent.get()) {
    const std::lock_guard<std::mutex> lock(state->mutex);
    state->functions.insert(&function_);
  }
  // A cancel before the insertion did not see the function, one after it did.
  if (token_.is_cancelled()) {
    function_();
  }
}

CancellationCallback::~CancellationCallback() {
  for (auto* state = token_.state_.get(); state != nullptr; state = state->parent.get()) {
    const std::lock_guard<std::mutex> lock(state->mutex);
    state->functions.erase(&function_);
  }
}

CancellationScope::CancellationScope(const CancellationToken& token)
    : token_(token), outer_(std::exchange(current_token, &token_)) {}

CancellationScope::~CancellationScope() { current_token = outer_; }

const CancellationToken* CancellationScope::current() { return current_token; }

}  // namespace ufvideo
