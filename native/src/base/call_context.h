#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "base/cancellation.h"
#include "base/error_message.h"
#include "ufvideo/cancellation.h"
#include "ufvideo/statistics.h"

namespace ufvideo {

/// The call that a session or a tracker is inside: what ends it early, who is told of its progress,
/// and how long each stage took. The parts of a session share one.
class CallContext {
 public:
  /// @param publish lets other threads read the statistics as they are now.
  explicit CallContext(std::function<void()> publish) : publish_(std::move(publish)) {}

  /// Begins a call: until end() its token ends the graph runs of this thread.
  void begin(CallOptions options);
  void end();

  const CallOptions& options() const { return options_; }
  bool is_cancelled() const { return options_.cancel.is_cancelled(); }
  void publish() { publish_(); }
  /// Publishes, and tells the caller how much of the call's work is done.
  void report(std::int64_t done, std::int64_t total);
  /// The call's progress function, which report() no longer calls.
  ProgressCallback take_progress();
  /// Gives back what take_progress() returned.
  void tell_progress_to(ProgressCallback on_progress);

  /// Timings of all stages since the session or tracker was made.
  StageTimings& timings() { return timings_; }
  const StageTimings& timings() const { return timings_; }

 private:
  std::function<void()> publish_;
  CallOptions options_;
  std::optional<CancellationScope> scope_;
  StageTimings timings_;
};

/// Runs `work`, which has no result that says it was cancelled: that throws Cancelled.
template <typename Work>
void run_to_the_end(const char* where, const Work& work) {
  try {
    work();
  } catch (const RunCancelled&) {
    fail(ErrorCode::kCancelled, where, ": expected to go on to the end, it was cancelled");
  }
}

}  // namespace ufvideo
