#pragma once

#include <pybind11/pybind11.h>

namespace ufvideo::bindings {

/// Releases the GIL while it lives; a py::call_guard. Used instead of pybind11's, because when the
/// interpreter ends while a daemon thread is in native code, CPython before 3.14 ends that thread
/// inside the call that takes the GIL back (pthread_exit), and unwinding the C++ frames around it
/// ends the process with SIGABRT. Here such a thread waits until the process has ended.
class GilReleased {
 public:
  GilReleased();
  ~GilReleased();
  GilReleased(const GilReleased&) = delete;
  GilReleased& operator=(const GilReleased&) = delete;

 private:
  PyThreadState* thread_;
};

/// Holds the GIL while it lives, on any thread; the same if the interpreter ends meanwhile.
class GilAcquired {
 public:
  GilAcquired();
  ~GilAcquired();
  GilAcquired(const GilAcquired&) = delete;
  GilAcquired& operator=(const GilAcquired&) = delete;

 private:
  PyGILState_STATE state_;
};

/// Calls a Python function from native code; the GIL is held. The same if the interpreter ends
/// while the function runs. Throws py::error_already_set when it raises.
pybind11::object call_python(const pybind11::object& function, const pybind11::tuple& arguments);

/// Lets a process whose interpreter has ended while a thread is in native code end at once with its
/// own status: the destructors of ONNX Runtime's static objects, run beside that thread, would
/// crash. Called once, when the module is imported.
void end_beside_native_threads();

}  // namespace ufvideo::bindings
