#include "ufvideo/package.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "error_expectation.h"
#include "temporary_folder.h"

namespace ufvideo {
namespace {

namespace fs = std::filesystem;

/// A package whose files hold their own names: right for the reader, of no use to ONNX Runtime.
class PackageTest : public testing::Test {
 protected:
  PackageTest() {
    const fs::path small = fs::path(UFVIDEO_TEST_DATA_DIR) / "manifests" / "valid" / "small.json";
    std::ifstream stream(small);
    manifest = nlohmann::json::parse(stream);
    for (auto& [stem, stage] : manifest["stages"].items()) add_file(stage["graph"]);
    for (auto& file : manifest["files"]) add_file(file);
    write_manifest();
  }

  /// Writes the file that the entry names and makes the entry true.
  void add_file(nlohmann::json& entry) {
    const std::string name = entry["path"];
    folder.write(name, name);
    entry["size_bytes"] = name.size();
    entry["sha256"] = sha256_file(folder.path() / name);
  }

  void write_manifest() { folder.write("manifest.json", manifest.dump()); }

  void expect_refused(const std::vector<std::string>& texts, bool verify_digests = true) {
    expect_error(ErrorCode::kInvalidPackage, texts,
                 [&] { Package::open(folder.path(), verify_digests); });
  }

  TemporaryFolder folder;
  nlohmann::json manifest;
};

TEST_F(PackageTest, OpensAWholeOne) {
  const Package package = Package::open(folder.path(), true);
  EXPECT_EQ(package.root(), folder.path());
  EXPECT_EQ(package.manifest().model.name, "small");
  EXPECT_EQ(package.graph_path("aligner"), folder.path() / "aligner.onnx");
  EXPECT_EQ(package.stage("aligner").precision, "fp32");
}

TEST_F(PackageTest, OpensThroughALinkToTheFolder) {
  TemporaryFolder elsewhere;
  fs::create_directory_symlink(folder.path(), elsewhere.path() / "link");
  EXPECT_EQ(Package::open(elsewhere.path() / "link", true).root(), folder.path());
}

TEST_F(PackageTest, FollowsLinksThatStayInside) {
  folder.write("blobs/one", "aligner.onnx");
  fs::remove(folder.path() / "aligner.onnx");
  fs::create_symlink("blobs/one", folder.path() / "aligner.onnx");
  EXPECT_NO_THROW(Package::open(folder.path(), true));
}

TEST_F(PackageTest, NamesAnUnknownStage) {
  const Package package = Package::open(folder.path(), false);
  expect_error(ErrorCode::kInvalidPackage, {"tracker"}, [&] { package.stage("tracker"); });
  expect_error(ErrorCode::kInvalidPackage, {"tracker"}, [&] { package.graph_path("tracker"); });
}

TEST_F(PackageTest, RefusesAMissingFolder) {
  expect_error(ErrorCode::kInvalidPackage, {"nowhere"},
               [&] { Package::open(folder.path() / "nowhere", true); });
  expect_error(ErrorCode::kInvalidPackage, {"folder", "a file"},
               [&] { Package::open(folder.path() / "aligner.onnx", true); });
}

TEST_F(PackageTest, RefusesAFolderWithoutManifest) {
  fs::remove(folder.path() / "manifest.json");
  expect_refused({"manifest.json", "ufvideo export"});
}

TEST_F(PackageTest, RefusesAMissingFile) {
  fs::remove(folder.path() / "mask_decoder.onnx");
  expect_refused({"mask_decoder.onnx"}, false);
  folder.write("mask_decoder.onnx", "mask_decoder.onnx");
  fs::remove(folder.path() / "tokenizer.json");
  expect_refused({"tokenizer.json"}, false);
}

TEST_F(PackageTest, RefusesATruncatedFileEvenWithoutDigests) {
  folder.write("aligner.onnx", "aligner");
  expect_refused({"aligner.onnx", "expected 12 bytes", "got 7"}, false);
}

TEST_F(PackageTest, RefusesAWrongDigestWhenAsked) {
  folder.write("aligner.onnx", "aligner.onny");
  expect_refused({"aligner.onnx", "sha256"});
  EXPECT_NO_THROW(Package::open(folder.path(), false));
}

TEST_F(PackageTest, ChecksTheWeightsToo) {
  nlohmann::json weights{{"path", "aligner.onnx.data"}};
  add_file(weights);
  manifest["stages"]["aligner"]["weights"] = weights;
  write_manifest();
  EXPECT_NO_THROW(Package::open(folder.path(), true));
  folder.write("aligner.onnx.data", "short");
  expect_refused({"aligner.onnx.data"}, false);
}

TEST_F(PackageTest, RefusesAPathThatEscapes) {
  manifest["stages"]["aligner"]["graph"]["path"] = "../aligner.onnx";
  write_manifest();
  expect_refused({"stages.aligner.graph.path", "../aligner.onnx"});
}

TEST_F(PackageTest, RefusesALinkThatEscapes) {
  TemporaryFolder outside;
  outside.write("aligner.onnx", "aligner.onnx");
  fs::remove(folder.path() / "aligner.onnx");
  fs::create_symlink(outside.path() / "aligner.onnx", folder.path() / "aligner.onnx");
  expect_refused({"aligner.onnx", "inside", outside.path().string()});
}

TEST_F(PackageTest, RefusesALinkedFolderThatEscapes) {
  TemporaryFolder outside;
  outside.write("tokenizer.json", "x/tokenizer.json");
  fs::create_directory_symlink(outside.path(), folder.path() / "x");
  manifest["files"][0] = {{"path", "x/tokenizer.json"},
                          {"size_bytes", 16},
                          {"sha256", sha256_file(outside.path() / "tokenizer.json")}};
  write_manifest();
  expect_refused({"x/tokenizer.json", "inside"});
}

TEST_F(PackageTest, RefusesALinkToASiblingWhoseNameBeginsTheSame) {
  const fs::path sibling = folder.path().string() + "_sibling";
  fs::create_directory(sibling);
  std::ofstream(sibling / "aligner.onnx") << "aligner.onnx";
  fs::remove(folder.path() / "aligner.onnx");
  fs::create_symlink(sibling / "aligner.onnx", folder.path() / "aligner.onnx");
  expect_refused({"aligner.onnx", "inside"});
  fs::remove_all(sibling);
}

TEST_F(PackageTest, RefusesALinkedManifestThatEscapes) {
  TemporaryFolder outside;
  outside.write("manifest.json", manifest.dump());
  fs::remove(folder.path() / "manifest.json");
  fs::create_symlink(outside.path() / "manifest.json", folder.path() / "manifest.json");
  expect_refused({"manifest.json", "inside"});
}

TEST_F(PackageTest, RefusesALinkToItself) {
  for (const char* name : {"aligner.onnx", "manifest.json"}) {
    fs::remove(folder.path() / name);
    fs::create_symlink(name, folder.path() / name);
    expect_refused({name, "expected a file"}, false);
  }
}

TEST_F(PackageTest, RefusesAFolderInPlaceOfAFile) {
  fs::remove(folder.path() / "aligner.onnx");
  fs::create_directory(folder.path() / "aligner.onnx");
  expect_refused({"aligner.onnx", "plain file"}, false);
}

}  // namespace
}  // namespace ufvideo
