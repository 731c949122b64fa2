#include "package/graph_sizes.h"

#include <cmath>
#include <map>
#include <string>

#include "base/error_message.h"

namespace ufvideo {
namespace {

namespace fs = std::filesystem;

/// The largest window of a published model is SigLIP's patch, 16 pixels; SAM 2 enlarges by 4.
constexpr std::int64_t kMaxWindow = 64;
constexpr float kMaxScale = 64;
/// Of a shape that is a constant: three times the largest of the released model, the position map
/// of SAM 2 hiera-large, [1, 144, 256, 256].
constexpr std::int64_t kMaxElements = std::int64_t{1} << 25;
/// Of what is tiled or put together with sizes that the graph computes: the exporter writes 1
/// and 2.
constexpr std::int64_t kMaxRepeats = 4096;

[[noreturn]] void refuse(const fs::path& path, const GraphFile::Node& node,
                         const std::string& expected, const std::string& got) {
  fail(ErrorCode::kInvalidPackage, path.string(), ": expected ", expected, " of ",
       node.op_type.substr(0, 64), ", got ", got);
}

void check_window(const fs::path& path, const GraphFile::Node& node) {
  for (const std::int64_t value : node.window) {
    if (value < 0 || value > kMaxWindow) {
      refuse(path, node, "pads, strides and kernel sizes of 0 to 64", std::to_string(value));
    }
  }
}

void check_shape(const fs::path& path, const GraphFile::Node& node,
                 const GraphFile::Weight& constant, std::int64_t limit) {
  std::int64_t elements = 1;
  for (const std::int64_t size : constant.integers) {
    // -1 stands for what is left.
    if (size < -1 || size > limit / elements) {
      const std::string expected = "a constant shape of up to " + std::to_string(limit);
      refuse(path, node, expected + " elements", std::to_string(size));
    }
    elements *= size > 0 ? size : 1;
  }
}

void check_pads(const fs::path& path, const GraphFile::Node& node,
                const GraphFile::Weight& constant) {
  for (const std::int64_t pad : constant.integers) {
    if (pad < -kMaxWindow || pad > kMaxWindow) {
      refuse(path, node, "pads of up to 64", std::to_string(pad));
    }
  }
}

void check_scales(const fs::path& path, const GraphFile::Node& node,
                  const GraphFile::Weight& constant) {
  for (const float scale : constant.floats) {
    if (!(scale > 0 && scale <= kMaxScale)) {
      refuse(path, node, "scales above 0 and up to 64", std::to_string(scale));
    }
  }
}

}  // namespace

void check_sizes(const fs::path& path, const GraphFile& graph) {
  std::map<std::string, const GraphFile::Weight*> constants;
  for (const GraphFile::Weight& weight : graph.weights) {
    constants[weight.name] = &weight;
  }
  for (const GraphFile::Node& node : graph.nodes) {
    check_window(path, node);
    for (const std::string& input : node.inputs) {
      const auto found = constants.find(input);
      if (found == constants.end()) {
        continue;
      }
      if (node.op_type == "Tile" || node.op_type == "Concat") {
        check_shape(path, node, *found->second, kMaxRepeats);
      } else if (node.op_type == "Expand") {
        check_shape(path, node, *found->second, kMaxElements);
      } else if (node.op_type == "Pad") {
        check_pads(path, node, *found->second);
      } else if (node.op_type == "Resize") {
        check_shape(path, node, *found->second, kMaxElements);
        check_scales(path, node, *found->second);
      }
    }
  }
}

}  // namespace ufvideo
