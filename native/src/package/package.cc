#include "ufvideo/package.h"

#include <algorithm>
#include <utility>

#include "base/error_message.h"
#include "package/hub_snapshot.h"

namespace ufvideo {
namespace {

namespace fs = std::filesystem;

/// Where the entry really lies once links are followed.
fs::path resolve_inside(const fs::path& root, const std::string& relative) {
  std::error_code error;
  const fs::path path = fs::canonical(root / relative, error);
  if (error) {
    fail(ErrorCode::kInvalidPackage, "package ", root.string(), ": expected a file ", relative,
         ", got: ", error.message());
  }
  const auto end = std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first;
  if (end != root.end() && !is_hub_blob(root, path)) {
    fail(ErrorCode::kInvalidPackage, "package ", root.string(), ": ", relative,
         ": expected a file inside the package, it is a link to ", path.string());
  }
  if (!fs::is_regular_file(path, error)) {
    fail(ErrorCode::kInvalidPackage, "package ", root.string(), ": ", relative,
         ": expected a plain file");
  }
  return path;
}

void check_file(const fs::path& root, const FileEntry& entry, bool verify_digest) {
  const fs::path path = resolve_inside(root, entry.path);
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) {
    fail(ErrorCode::kInvalidPackage, "package ", root.string(), ": ", entry.path,
         ": expected a readable file, got: ", error.message());
  }
  if (size != entry.size_bytes) {
    fail(ErrorCode::kInvalidPackage, "package ", root.string(), ": ", entry.path, ": expected ",
         entry.size_bytes, " bytes, got ", size);
  }
  if (!verify_digest) {
    return;
  }
  const std::string digest = sha256_file(path);
  if (digest != entry.sha256) {
    fail(ErrorCode::kInvalidPackage, "package ", root.string(), ": ", entry.path,
         ": expected sha256 ", entry.sha256, ", got ", digest);
  }
}

/// A stage's graph, or that of a variant, and its weights.
template <typename Entry>
void check_graph_files(const fs::path& root, const Entry& entry, bool verify_digest) {
  check_file(root, entry.graph, verify_digest);
  if (entry.weights) {
    check_file(root, *entry.weights, verify_digest);
  }
}

}  // namespace

Package::Package(fs::path root, Manifest manifest)
    : root_(std::move(root)), manifest_(std::move(manifest)) {}

Package Package::open(const fs::path& root, bool verify_digests) {
  std::error_code error;
  const fs::path folder = fs::canonical(root, error);
  if (error || !fs::is_directory(folder, error)) {
    fail(ErrorCode::kInvalidPackage, "expected a package folder at ", root.string(), ", got ",
         error ? error.message() : "a file");
  }
  // What is there and cannot be resolved, such as a link to itself, is resolve_inside's to refuse.
  if (fs::symlink_status(folder / "manifest.json", error).type() == fs::file_type::not_found) {
    fail(ErrorCode::kInvalidPackage, "package ", folder.string(),
         ": expected a manifest.json, got none; is this a package made by `ufvideo export`?");
  }
  Manifest manifest = read_manifest(resolve_inside(folder, "manifest.json"));
  for (const auto& [stem, stage] : manifest.stages) {
    check_graph_files(folder, stage, verify_digests);
    for (const auto& [provider, variant] : stage.variants) {
      check_graph_files(folder, variant, verify_digests);
    }
  }
  for (const FileEntry& file : manifest.files) {
    check_file(folder, file, verify_digests);
  }
  return Package(folder, std::move(manifest));
}

const StageEntry& Package::stage(const std::string& stem) const {
  const auto found = manifest_.stages.find(stem);
  if (found == manifest_.stages.end()) {
    fail(ErrorCode::kInvalidPackage, "package ", root_.string(), ": expected a stage ", stem,
         ", the manifest has none");
  }
  return found->second;
}

fs::path Package::graph_path(const std::string& stem) const {
  return root_ / stage(stem).graph.path;
}

}  // namespace ufvideo
