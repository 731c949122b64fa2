#include "package/graph_check.h"

#include <algorithm>
#include <filesystem>

#include "base/error_message.h"
#include "package/graph_file.h"
#include "package/graph_operators.h"
#include "package/graph_sizes.h"
#include "package/hub_snapshot.h"

namespace ufvideo {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAttention = "com.microsoft.GroupQueryAttention";
constexpr const char* kBlockProduct = "com.microsoft.MatMulNBits";
constexpr std::size_t kCosines = 7;
constexpr std::size_t kSines = 8;

void check_operators(const fs::path& path, const GraphFile& graph) {
  for (const GraphFile::Node& node : graph.nodes) {
    if (graph_operators().count(node.op_type) == 0) {
      fail(ErrorCode::kInvalidPackage, path.string(),
           ": expected only operators that `ufvideo export` writes, got ",
           node.op_type.substr(0, 64), "; export the checkpoint with this version");
    }
  }
}

/// Whether a name beside the graph is the very file whose digest the manifest has, however ONNX
/// Runtime comes to the graph's folder: as the graph is named, or where a link to it leads. A cache
/// of the Hub keeps blobs by digest, so that nothing of that name lies where its links lead.
bool is_listed_file(const fs::path& root, const fs::path& graph, const std::string& name,
                    const fs::path& listed) {
  std::error_code error;
  const fs::path resolved = fs::canonical(listed, error);
  if (error) {
    return false;
  }
  const auto is_listed = [&](const fs::path& folder) {
    const fs::path found = fs::canonical(folder / name, error);
    return !error && found == resolved;
  };
  const fs::path target = fs::canonical(graph, error);
  if (!is_listed(graph.parent_path())) {
    return false;
  }
  if (is_hub_blob(root, target)) {
    const fs::path beside = target.parent_path() / name;
    return fs::symlink_status(beside, error).type() == fs::file_type::not_found;
  }
  return is_listed(target.parent_path());
}

/// A graph may read the weights that the manifest lists for it and no other file.
void check_external_data(const fs::path& root, const fs::path& path, const StageEntry& entry,
                         const GraphFile& graph) {
  for (const GraphFile::External& part : graph.external) {
    if (!entry.weights) {
      fail(ErrorCode::kInvalidPackage, path.string(),
           ": expected weights in the graph itself, it points to ", part.location.substr(0, 256));
    }
    const fs::path listed = root / entry.weights->path;
    const std::string allowed = listed.filename().string();
    if (part.location != allowed || !is_listed_file(root, path, part.location, listed)) {
      fail(ErrorCode::kInvalidPackage, path.string(), ": expected weights in ", allowed,
           " beside the graph, listed as ", entry.weights->path, ", it points to ",
           part.location.substr(0, 256));
    }
    if (part.offset_bytes > entry.weights->size_bytes ||
        part.length_bytes > entry.weights->size_bytes - part.offset_bytes) {
      fail(ErrorCode::kInvalidPackage, path.string(), ": expected weights within the ",
           entry.weights->size_bytes, " bytes of ", allowed, ", it points to ", part.length_bytes,
           " from ", part.offset_bytes);
    }
  }
}

/// The precision that the weights show; `claimed` decides where blocks of 8 and of 4 bits are
/// together, which a logits product of another precision makes.
std::string precision_of(const GraphFile& graph, const std::string& claimed) {
  const auto has = [&](OnnxType type) {
    return std::any_of(graph.weights.begin(), graph.weights.end(), [&](const auto& weight) {
      return weight.type == static_cast<std::int64_t>(type);
    });
  };
  if (!has(OnnxType::kInt8) && !has(OnnxType::kUint8) && !has(OnnxType::kInt4) &&
      !has(OnnxType::kUint4)) {
    return has(OnnxType::kFloat16) ? "fp16" : "fp32";
  }
  const auto blocks_of = [&](std::int64_t bits) {
    return std::count_if(graph.nodes.begin(), graph.nodes.end(), [&](const auto& node) {
      return node.op_type == kBlockProduct && node.bits == bits;
    });
  };
  const std::ptrdiff_t eights = blocks_of(8);
  const std::ptrdiff_t fours = blocks_of(4);
  if (eights == fours) {
    return eights == 0 ? "int8" : claimed;
  }
  return eights > fours ? "int8" : "int4";
}

void check_precision(const fs::path& path, const StageEntry& entry, const GraphFile& graph) {
  const std::string found = precision_of(graph, entry.precision);
  if (found != entry.precision) {
    fail(ErrorCode::kInvalidPackage, path.string(),
         ": expected weights of the manifest's precision ", entry.precision, ", the graph's are ",
         found);
  }
}

/// Beyond its tables of cosines and sines a model has no positions.
void check_positions(const fs::path& path, const GraphFile& graph, std::int64_t max_positions) {
  for (const GraphFile::Node& node : graph.nodes) {
    if (node.op_type != kAttention) {
      continue;
    }
    for (const std::size_t place : {kCosines, kSines}) {
      const std::string name = place < node.inputs.size() ? node.inputs[place] : "";
      const auto table =
          std::find_if(graph.weights.begin(), graph.weights.end(),
                       [&](const GraphFile::Weight& weight) { return weight.name == name; });
      if (name.empty() || table == graph.weights.end() || table->shape.empty()) {
        fail(ErrorCode::kInvalidPackage, path.string(), ": expected rotary tables for ",
             max_positions, " positions, an attention has none");
      }
      if (table->shape.front() != max_positions) {
        fail(ErrorCode::kInvalidPackage, path.string(),
             ": expected rotary tables for model.max_position_embeddings ", max_positions,
             " positions, ", name.substr(0, 64), " has ", table->shape.front());
      }
    }
  }
}

}  // namespace

void check_graph(const Package& package, const std::string& stem) {
  const fs::path path = package.graph_path(stem);
  const StageEntry& entry = package.stage(stem);
  const GraphFile graph = read_graph_file(path);
  check_operators(path, graph);
  check_sizes(path, graph);
  check_external_data(package.root(), path, entry, graph);
  check_precision(path, entry, graph);
  if (stem == "language_model") {
    check_positions(path, graph, package.manifest().model.max_position_embeddings);
  }
}

}  // namespace ufvideo
