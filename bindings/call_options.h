#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>

#include "ufvideo/cancellation.h"

namespace ufvideo::bindings {

/// The options of one call: cancel=None, on_progress=None; on_progress(done, total) is called with
/// the GIL, and what it returns is ignored.
CallOptions call_options(const std::optional<CancellationToken>& cancel,
                         const pybind11::object& on_progress);

}  // namespace ufvideo::bindings
