#include "config/free_threads.h"

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/error_message.h"

namespace ufvideo {
namespace {

/// Threads that wait until this is destroyed.
class WaitingThreads {
 public:
  WaitingThreads() = default;
  ~WaitingThreads() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      may_end_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }
  WaitingThreads(const WaitingThreads&) = delete;
  WaitingThreads& operator=(const WaitingThreads&) = delete;

  void start_one() {
    threads_.emplace_back([this] {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return may_end_; });
    });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool may_end_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

void require_threads(int count) {
  WaitingThreads threads;
  for (int i = 0; i < count; ++i) {
    try {
      threads.start_one();
    } catch (const std::system_error& error) {
      fail(ErrorCode::kOutOfMemory, "expected ", count,
           " threads for a graph, the system refused "
           "after ",
           i, ": ", error.what(),
           "; set RuntimeConfig.num_threads to fewer, or raise the limit of processes (ulimit -u, "
           "pids.max of the container)");
    }
  }
}

}  // namespace ufvideo
