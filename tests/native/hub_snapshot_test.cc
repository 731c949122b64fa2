#include "package/hub_snapshot.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "error_expectation.h"
#include "temporary_folder.h"
#include "ufvideo/package.h"

namespace ufvideo {
namespace {

namespace fs = std::filesystem;

const std::string kCommit(40, 'c');
const std::string kManifestDigest(40, 'a');

/// A package whose files hold their own names, as the cache of the Hugging Face Hub keeps it.
class HubSnapshotTest : public testing::Test {
 protected:
  HubSnapshotTest() {
    const fs::path small = fs::path(UFVIDEO_TEST_DATA_DIR) / "manifests" / "valid" / "small.json";
    std::ifstream stream(small);
    manifest = nlohmann::json::parse(stream);
    fs::create_directories(snapshot());
    for (auto& [stem, stage] : manifest["stages"].items()) add_file(stage["graph"]);
    for (auto& file : manifest["files"]) add_file(file);
    cache.write("models--user--name/blobs/" + kManifestDigest, manifest.dump());
    fs::create_symlink("../../blobs/" + kManifestDigest, snapshot() / "manifest.json");
  }

  fs::path repository() const { return cache.path() / "models--user--name"; }
  fs::path snapshot() const { return repository() / "snapshots" / kCommit; }

  void add_file(nlohmann::json& entry) {
    const std::string name = entry["path"];
    cache.write("draft", name);
    const std::string digest = sha256_file(cache.path() / "draft");
    cache.write("models--user--name/blobs/" + digest, name);
    fs::create_symlink("../../blobs/" + digest, snapshot() / name);
    entry["size_bytes"] = name.size();
    entry["sha256"] = digest;
  }

  void link_aligner_to(const fs::path& target) {
    fs::remove(snapshot() / "aligner.onnx");
    fs::create_symlink(target, snapshot() / "aligner.onnx");
  }

  void expect_refused() {
    expect_error(ErrorCode::kInvalidPackage, {"inside the package"},
                 [&] { Package::open(snapshot(), true); });
  }

  TemporaryFolder cache;
  nlohmann::json manifest;
};

TEST_F(HubSnapshotTest, OpensLinksToItsBlobs) {
  EXPECT_EQ(Package::open(snapshot(), true).root(), snapshot());
}

TEST_F(HubSnapshotTest, OpensBlobsThatRepositoriesShare) {
  const std::string hash = "ab" + std::string(62, '0');
  const fs::path blob = fs::canonical(snapshot() / "aligner.onnx");
  cache.write("blobs/ab/" + hash, "aligner.onnx");
  fs::remove(blob);
  fs::create_symlink("../../blobs/ab/" + hash, blob);
  EXPECT_NO_THROW(Package::open(snapshot(), true));
}

TEST_F(HubSnapshotTest, ComparesBlobsWithTheManifest) {
  const fs::path blob = fs::canonical(snapshot() / "aligner.onnx");
  std::ofstream(blob) << "aligner.onnY";
  expect_error(ErrorCode::kInvalidPackage, {"aligner.onnx", "expected sha256"},
               [&] { Package::open(snapshot(), true); });
}

TEST_F(HubSnapshotTest, RefusesAnyOtherFileOutside) {
  cache.write("aligner.onnx", "aligner.onnx");
  cache.write("models--user--name/blobs/aligner.onnx", "aligner.onnx");
  cache.write("models--user--other/blobs/" + std::string(64, 'b'), "aligner.onnx");
  cache.write("blobs/ab/" + std::string(64, '0'), "aligner.onnx");
  link_aligner_to(cache.path() / "aligner.onnx");
  expect_refused();
  link_aligner_to("../../blobs/aligner.onnx");
  expect_refused();
  link_aligner_to("../../../models--user--other/blobs/" + std::string(64, 'b'));
  expect_refused();
  link_aligner_to("../../../blobs/ab/" + std::string(64, '0'));
  expect_refused();
}

TEST_F(HubSnapshotTest, RefusesABlobThatIsALinkOut) {
  TemporaryFolder outside;
  outside.write(std::string(64, 'b'), "aligner.onnx");
  fs::create_symlink(outside.path() / std::string(64, 'b'),
                     repository() / "blobs" / std::string(64, 'b'));
  link_aligner_to("../../blobs/" + std::string(64, 'b'));
  expect_refused();
}

TEST_F(HubSnapshotTest, RefusesFoldersOfOtherNames) {
  const fs::path moved = repository() / "snapshots" / "latest";
  fs::rename(snapshot(), moved);
  expect_error(ErrorCode::kInvalidPackage, {"inside the package"},
               [&] { Package::open(moved, true); });
}

TEST(IsHubBlobTest, LooksAtNamesAlone) {
  const fs::path folder = fs::path("/cache/models--user--name/snapshots") / kCommit;
  const fs::path digest = std::string(64, 'b');
  EXPECT_TRUE(is_hub_blob(folder, fs::path("/cache/models--user--name/blobs") / digest));
  EXPECT_TRUE(is_hub_blob(folder, "/cache/blobs/bb" / digest));
  EXPECT_FALSE(is_hub_blob(folder, "/cache/blobs" / digest));
  EXPECT_FALSE(is_hub_blob(folder, fs::path("/cache/models--user--name/blobs/x") / digest));
  EXPECT_FALSE(is_hub_blob("/cache/models--user--name/snapshots/main",
                           fs::path("/cache/models--user--name/blobs") / digest));
  EXPECT_FALSE(is_hub_blob("/cache/user/snapshots" / fs::path(kCommit),
                           fs::path("/cache/user/blobs") / digest));
}

}  // namespace
}  // namespace ufvideo
