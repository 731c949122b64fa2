#include "gil.h"

#include <cxxabi.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace py = pybind11;

namespace ufvideo::bindings {
namespace {

/// Threads that run native code without the GIL.
std::atomic<int> num_native_threads{0};

/// Runs `work`, which CPython may end by unwinding the thread. The handler must not return: glibc
/// ends a process that swallows such an unwinding, and to go on with it would destroy objects of
/// Python's without the GIL.
template <typename Work>
auto surviving_the_interpreter(const Work& work) {
  try {
    return work();
  } catch (abi::__forced_unwind&) {
    while (true) {
      std::this_thread::sleep_for(std::chrono::hours(1));
    }
  }
}

#ifdef __GLIBC__
void end_process(int status, void* /*unused*/) {
  std::fflush(nullptr);
  _exit(status);
}

/// Called where the interpreter has ended. Registered as late as this, `end_process` runs before
/// the destructors of all static objects.
void after_the_interpreter() {
  if (num_native_threads > 0) {
    on_exit(end_process, nullptr);
  }
}
#else
void after_the_interpreter() {}
#endif

}  // namespace

void end_beside_native_threads() { Py_AtExit(after_the_interpreter); }

GilReleased::GilReleased() : thread_(PyEval_SaveThread()) { ++num_native_threads; }

GilReleased::~GilReleased() {
  --num_native_threads;
  surviving_the_interpreter([this] { PyEval_RestoreThread(thread_); });
}

GilAcquired::GilAcquired()
    : state_(surviving_the_interpreter([] {
        --num_native_threads;
        return PyGILState_Ensure();
      })) {}

GilAcquired::~GilAcquired() {
  PyGILState_Release(state_);
  ++num_native_threads;
}

py::object call_python(const py::object& function, const py::tuple& arguments) {
  PyObject* result = surviving_the_interpreter(
      [&] { return PyObject_CallObject(function.ptr(), arguments.ptr()); });
  if (result == nullptr) {
    throw py::error_already_set();
  }
  return py::reinterpret_steal<py::object>(result);
}

}  // namespace ufvideo::bindings
