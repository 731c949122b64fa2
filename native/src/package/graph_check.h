#pragma once

#include <string>

#include "ufvideo/package.h"

namespace ufvideo {

/// Compares the graph file of a stage with what the manifest says of it, before ONNX Runtime reads
/// it. Throws InvalidPackage for an operator that the exporter does not write, for weights outside
/// the file that the manifest lists for the stage, for weights of another precision than the
/// manifest's, and for a language model with tables for another number of positions.
void check_graph(const Package& package, const std::string& stem);

}  // namespace ufvideo
