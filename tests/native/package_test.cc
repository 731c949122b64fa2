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

TEST_F(PackageTest, RefusesAFolderInPlaceOfAFile) {
  fs::remove(folder.path() / "aligner.onnx");
  fs::create_directory(folder.path() / "aligner.onnx");
  expect_refused({"aligner.onnx", "plain file"}, false);
}

std::string digest_of(const std::string& bytes) {
  TemporaryFolder folder;
  folder.write("file", bytes);
  return sha256_file(folder.path() / "file");
}

// The examples of FIPS 180-4 as NIST publishes them.
TEST(Sha256Test, AgreesWithThePublishedVectors) {
  EXPECT_EQ(digest_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest_of(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Padding takes another path at each of these lengths; values from Python's hashlib.
TEST(Sha256Test, PadsAtEveryBorder) {
  EXPECT_EQ(digest_of(std::string(55, 'x')),
            "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072");
  EXPECT_EQ(digest_of(std::string(56, 'x')),
            "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e");
  EXPECT_EQ(digest_of(std::string(63, 'x')),
            "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2");
  EXPECT_EQ(digest_of(std::string(64, 'x')),
            "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c");
  EXPECT_EQ(digest_of(std::string((1 << 20) + 1, 'x')),
            "154b8ed3c2383ce429058768595935faf7851b5c38db2b1732594be1d88bc05a");
}

TEST(Sha256Test, RefusesAMissingFile) {
  expect_error(ErrorCode::kInvalidPackage, {"nowhere"}, [] { sha256_file("/nowhere/file"); });
}

}  // namespace
}  // namespace ufvideo
