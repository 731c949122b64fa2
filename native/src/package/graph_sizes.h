#pragma once

#include <filesystem>

#include "package/graph_file.h"

namespace ufvideo {

/// Refuses a graph whose constants blow tensors up: pads and kernels beyond any that the exporter
/// writes, and shapes and scales of Expand, Tile, Concat, Pad and Resize. A few bytes of a graph
/// would take gigabytes when it runs. What a graph computes from its inputs' shapes is not bounded.
void check_sizes(const std::filesystem::path& path, const GraphFile& graph);

}  // namespace ufvideo
