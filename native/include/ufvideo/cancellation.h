#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace ufvideo {

/// A request to end work early, shared by its copies. The caller keeps one, gives it to a call
/// (CallOptions), and may cancel it from any thread: before the call begins, while it runs, or when
/// it has ended. A token stays cancelled: every call that gets it from then on ends at once.
class CancellationToken {
 public:
  CancellationToken();

  /// A token that is cancelled with this one, and that can be cancelled without this one.
  CancellationToken child() const;
  /// Ends the calls that have this token or a child of it. A graph that is being run is stopped
  /// after its current node. Returns at once.
  void cancel() const;
  bool is_cancelled() const;

 private:
  friend class CancellationCallback;
  struct State;
  explicit CancellationToken(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

/// Called by the thread of the call with how much of its work is done, first with 0 done. An
/// exception ends the call and is thrown unchanged; the session stays usable.
using ProgressCallback = std::function<void(std::int64_t done, std::int64_t total)>;

/// How one call of a Session can be ended early and watched.
struct CallOptions {
  CancellationToken cancel{};
  /// Each call of Session says what it counts; null: nobody watches.
  ProgressCallback on_progress = nullptr;
};

}  // namespace ufvideo
