#pragma once

#include <exception>
#include <functional>

#include "ufvideo/cancellation.h"

namespace ufvideo {

/// Thrown by Graph::run when the token of its CancellationScope is cancelled. Session catches it;
/// no caller of the library sees it.
struct RunCancelled : std::exception {};

/// Calls a function when a token is cancelled, at once if it is cancelled already; maybe more than
/// once. When the destructor has returned, no thread is inside the function.
class CancellationCallback {
 public:
  /// @param function must be short, and must not touch the token.
  CancellationCallback(const CancellationToken& token, std::function<void()> function);
  ~CancellationCallback();
  CancellationCallback(const CancellationCallback&) = delete;
  CancellationCallback& operator=(const CancellationCallback&) = delete;

 private:
  CancellationToken token_;
  std::function<void()> function_;
};

/// While it lives, its token ends the graph runs of this thread. One scope around a session's call
/// reaches every stage the call runs, so that no stage can be left out. Scopes nest.
class CancellationScope {
 public:
  explicit CancellationScope(const CancellationToken& token);
  ~CancellationScope();
  CancellationScope(const CancellationScope&) = delete;
  CancellationScope& operator=(const CancellationScope&) = delete;

  /// The innermost token of this thread, null if there is none.
  static const CancellationToken* current();

 private:
  CancellationToken token_;
  const CancellationToken* outer_;
};

}  // namespace ufvideo
