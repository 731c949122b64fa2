#include <memory>

#include "call_options.h"
#include "gil.h"
#include "module.h"

namespace py = pybind11;

namespace ufvideo::bindings {

CallOptions call_options(const std::optional<CancellationToken>& cancel,
                         const py::object& on_progress) {
  CallOptions options;
  if (cancel) {
    options.cancel = *cancel;
  }
  if (!on_progress.is_none()) {
    // The session may let go of it, without the GIL.
    const std::shared_ptr<py::object> function(new py::object(on_progress), [](py::object* last) {
      const GilAcquired gil;
      delete last;
    });
    options.on_progress = [function](std::int64_t done, std::int64_t total) {
      const GilAcquired gil;
      call_python(*function, py::make_tuple(done, total));
    };
  }
  return options;
}

void bind_cancellation(py::module_& module) {
  py::class_<CancellationToken>(module, "CancellationToken",
                                "A request to end calls early, before or while they run.\n\n"
                                "Give it to a call as cancel=; any thread may cancel it. It stays "
                                "cancelled: every call that gets it from then on ends at once.")
      .def(py::init<>())
      .def("child", &CancellationToken::child,
           "A token that is cancelled with this one, and that can be cancelled without it.")
      .def("cancel", &CancellationToken::cancel,
           "End the calls that have this token or a child of it. Returns at once.")
      .def_property_readonly("is_cancelled", &CancellationToken::is_cancelled);
}

}  // namespace ufvideo::bindings
