#include "base/call_context.h"

#include <utility>

namespace ufvideo {

void CallContext::begin(CallOptions options) {
  options_ = std::move(options);
  scope_.emplace(options_.cancel);
}

void CallContext::end() {
  scope_.reset();
  options_ = {};
}

void CallContext::report(std::int64_t done, std::int64_t total) {
  publish();
  if (options_.on_progress) {
    options_.on_progress(done, total);
  }
}

ProgressCallback CallContext::take_progress() {
  return std::exchange(options_.on_progress, nullptr);
}

void CallContext::tell_progress_to(ProgressCallback on_progress) {
  options_.on_progress = std::move(on_progress);
}

}  // namespace ufvideo
