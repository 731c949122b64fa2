#pragma once

#include <set>
#include <string>

namespace ufvideo {

/// The operators that the exporter writes, in any precision: "MatMul", and "com.microsoft.Name"
/// outside the default domain. A graph with another one is not opened: a Loop, a Scan or an
/// operator that reads files would do anything on the machine that opens it.
const std::set<std::string>& graph_operators();

}  // namespace ufvideo
