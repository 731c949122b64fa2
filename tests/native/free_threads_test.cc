#include "config/free_threads.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>

#include "error_expectation.h"
#include "tiny_model.h"

namespace {

/// Threads that may still be created; negative: any number.
std::atomic<int> threads_left{-1};

}  // namespace

/// Stands in front of the system's, for ONNX Runtime too: a limit of processes would end the test's
/// own user first, and binds no root.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*run)(void*), void* argument) {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  if (threads_left >= 0 && threads_left-- <= 0) {
    threads_left = 0;
    return EAGAIN;
  }
  return create(thread, attributes, run, argument);
}

namespace ufvideo {
namespace {

class FreeThreadsTest : public testing::Test {
 protected:
  ~FreeThreadsTest() override { threads_left = -1; }
};

TEST_F(FreeThreadsTest, StartsAndEndsThem) {
  EXPECT_NO_THROW(require_threads(0));
  EXPECT_NO_THROW(require_threads(8));
}

TEST_F(FreeThreadsTest, SaysHowManyTheSystemRefused) {
  threads_left = 3;
  expect_error(ErrorCode::kOutOfMemory, {"expected 5 threads", "after 3", "num_threads"},
               [] { require_threads(5); });
}

TEST_F(FreeThreadsTest, AModelWithoutThreadsIsRefusedAndDoesNotHang) {
  RuntimeConfig config = tiny_config();
  config.num_threads = 4;
  // Opens the library, which has threads of its own.
  tiny_model();
  for (int count = 0; count < 3; ++count) {
    threads_left = count;
    expect_error(ErrorCode::kOutOfMemory, {"expected 3 threads"},
                 [&] { Model::load(tiny_package(), config); });
  }
  threads_left = -1;
  EXPECT_NO_THROW(Model::load(tiny_package(), config));
}

}  // namespace
}  // namespace ufvideo
