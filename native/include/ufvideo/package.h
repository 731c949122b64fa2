#pragma once

#include <filesystem>
#include <string>

#include "ufvideo/manifest.h"

namespace ufvideo {

/// A package folder whose manifest and files passed every check.
class Package {
 public:
  /// Opens `root`: reads the manifest, resolves every path inside the folder (links included),
  /// compares sizes and, if asked, SHA-256 digests. In a snapshot of the Hugging Face Hub's cache
  /// links may lead to the blobs of that cache. Throws InvalidPackage or UnsupportedPackage.
  static Package open(const std::filesystem::path& root, bool verify_digests);

  const std::filesystem::path& root() const { return root_; }
  const Manifest& manifest() const { return manifest_; }

  /// The stage's entry. Throws InvalidPackage when the package has no such stage.
  const StageEntry& stage(const std::string& stem) const;
  /// Absolute path of the stage's graph.
  std::filesystem::path graph_path(const std::string& stem) const;

 private:
  Package(std::filesystem::path root, Manifest manifest);

  std::filesystem::path root_;
  Manifest manifest_;
};

/// Lower-case hexadecimal SHA-256 of a file's bytes.
std::string sha256_file(const std::filesystem::path& path);

}  // namespace ufvideo
