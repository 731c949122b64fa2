#pragma once

#include <filesystem>
#include <set>
#include <string>

namespace ufvideo {

/// The files that an ONNX graph's tensors point to (`external_data` of TensorProto), wherever they
/// are in it: initializers, attributes, subgraphs, functions. ONNX Runtime 1.21 opens any path
/// found there, so it is checked before a graph gets that far. Throws InvalidPackage for a file
/// that is no protocol buffer.
std::set<std::string> external_locations(const std::filesystem::path& graph);

}  // namespace ufvideo
