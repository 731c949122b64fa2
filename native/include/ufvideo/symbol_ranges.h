#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ufvideo/manifest.h"

namespace ufvideo {

/// The sizes that a symbol of a stage's input shapes takes when this runtime runs the stage on a
/// device. The CPU runs one frame at a time.
struct SymbolRange {
  std::string symbol;
  std::int64_t min;
  /// The size to be fast at.
  std::int64_t typical;
  std::int64_t max;
};

/// Every symbol of the inputs of a stage that TensorRT may run, for the engine's shape profile.
///
/// The bounds follow from the model's facts and from how much the runtime gives a stage at once; a
/// run outside them does not happen. Empty for token_embedder and language_model. Throws
/// InvalidPackage when the manifest has no such stage.
std::vector<SymbolRange> symbol_ranges(const Manifest& manifest, const std::string& stem);

}  // namespace ufvideo
