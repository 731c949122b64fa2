#pragma once

#include "package/json_reader.h"
#include "ufvideo/manifest.h"

namespace ufvideo {

/// Compares every stage's declared inputs and outputs with graph_signatures(): names in order,
/// dtypes, shapes. Throws InvalidPackage naming the stage, the tensor, what was expected and what
/// came.
///
/// @param stages the JSON that `manifest.stages` was read from, for the paths in messages.
void check_signatures(const JsonValue& stages, const Manifest& manifest);

}  // namespace ufvideo
