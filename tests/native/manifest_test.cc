#include "ufvideo/manifest.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "error_expectation.h"
#include "temporary_folder.h"

namespace ufvideo {
namespace {

namespace fs = std::filesystem;

const fs::path kCorpus = fs::path(UFVIDEO_TEST_DATA_DIR) / "manifests";

nlohmann::json read_json(const fs::path& path) {
  std::ifstream stream(path);
  return nlohmann::json::parse(stream);
}

std::vector<std::string> json_files(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename() != "expected.json") names.push_back(entry.path().filename());
  }
  return names;
}

TEST(ManifestTest, ReadsEveryFieldOfTheSmallOne) {
  const Manifest manifest = read_manifest(kCorpus / "valid" / "small.json");
  EXPECT_EQ(manifest.format_version, 1);
  EXPECT_EQ(manifest.model.name, "small");
  EXPECT_EQ(manifest.model.architecture, "videorefer_qwen2");
  EXPECT_EQ(manifest.model.hidden_size, 64);
  EXPECT_EQ(manifest.model.num_layers, 2);
  EXPECT_EQ(manifest.model.num_attention_heads, 4);
  EXPECT_EQ(manifest.model.num_key_value_heads, 2);
  EXPECT_EQ(manifest.model.head_dim, 16);
  EXPECT_EQ(manifest.model.vocab_size, 626);
  EXPECT_EQ(manifest.model.max_position_embeddings, 4096);
  EXPECT_EQ(manifest.model.vision_hidden_size, 48);
  EXPECT_EQ(manifest.model.max_region_tokens, 4);
  EXPECT_EQ(manifest.model.seg_hidden_state, SegHiddenState::kPreceding);
  EXPECT_EQ(manifest.video.num_frames, 8);
  EXPECT_EQ(manifest.video.vision_size_px, 56);
  EXPECT_EQ(manifest.video.patch_grid, 4);
  EXPECT_EQ(manifest.video.aligner_padding, 0);
  EXPECT_EQ(manifest.video.mask_size_px, 128);
  EXPECT_EQ(manifest.video.mask_logits_size_px, 32);
  EXPECT_EQ(manifest.tokens.end_ids, (std::vector<std::int64_t>{521}));
  EXPECT_EQ(manifest.tokens.video_placeholder_id, -201);
  EXPECT_EQ(manifest.tokens.image_placeholder_id, -200);
  EXPECT_EQ(manifest.tokens.region_id, 524);
  EXPECT_EQ(manifest.tokens.time_first_id, 525);
  EXPECT_EQ(manifest.tokens.num_time_tokens, 100);
  EXPECT_EQ(manifest.tokens.seg_id, 625);
  EXPECT_EQ(manifest.stages.size(), 7u);
  EXPECT_EQ(manifest.files.at(1).path, "chat_template.json");
  EXPECT_EQ(manifest.provenance.at("torch"), "2.13.0");
  EXPECT_EQ(manifest.verification.at("aligner").tolerance_abs, 1e-3);
  EXPECT_EQ(manifest.verification.at("aligner").max_rel_error, 2e-6);
}

TEST(ManifestTest, ReadsAStage) {
  const Manifest manifest = read_manifest(kCorpus / "valid" / "largest.json");
  const StageEntry& aligner = manifest.stages.at("aligner");
  EXPECT_EQ(aligner.graph.path, "aligner.onnx");
  EXPECT_EQ(aligner.graph.size_bytes, std::uint64_t{256} << 20);
  EXPECT_EQ(aligner.graph.sha256.substr(0, 16), "0123456789abcdef");
  ASSERT_TRUE(aligner.weights.has_value());
  EXPECT_EQ(aligner.weights->path, "aligner.onnx.data");
  EXPECT_EQ(aligner.weights->size_bytes, (std::uint64_t{1} << 63) - 1);
  EXPECT_EQ(aligner.precision, "fp16");
  EXPECT_EQ(aligner.inputs.size(), 1u);
  EXPECT_EQ(std::get<std::string>(aligner.inputs[0].shape.at(0)), "T");
  const TensorSpec& frames = manifest.stages.at("vision_encoder").inputs.at(0);
  EXPECT_EQ(frames.dtype, "uint8");
  EXPECT_EQ(std::get<std::int64_t>(frames.shape.at(1)), 8192);
  EXPECT_EQ(manifest.model.seg_hidden_state, SegHiddenState::kPredicting);
}

TEST(ManifestTest, ReadsFormatVersion2) {
  const Manifest manifest = read_manifest(kCorpus / "valid" / "2_track.json");
  EXPECT_EQ(manifest.format_version, 2);
  EXPECT_EQ(manifest.capabilities, (std::vector<std::string>{"ask", "segment", "track"}));
  EXPECT_TRUE(manifest.can("track"));
  ASSERT_TRUE(manifest.tracking.has_value());
  EXPECT_EQ(manifest.tracking->num_memories, 7);
  EXPECT_EQ(manifest.tracking->max_object_pointers, 16);
  EXPECT_EQ(manifest.tracking->memory_width, 8);
  EXPECT_EQ(manifest.stages.size(), stage_stems().size());
  const StageEntry& encoder = manifest.stages.at("vision_encoder");
  ASSERT_EQ(encoder.variants.size(), 1u);
  const StageVariant& variant = encoder.variants.at("tensorrt");
  EXPECT_EQ(variant.graph.path, "vision_encoder.tensorrt.onnx");
  EXPECT_FALSE(variant.weights.has_value());
  EXPECT_EQ(variant.precision, "int8");
  EXPECT_EQ(variant.verification.tolerance_abs, 1e-3);
}

TEST(ManifestTest, WhatAPackageCanDoDecidesItsStages) {
  const Manifest small = read_manifest(kCorpus / "valid" / "small.json");
  EXPECT_EQ(small.capabilities, (std::vector<std::string>{"ask", "segment"}));
  EXPECT_FALSE(small.can("track"));
  EXPECT_FALSE(small.tracking.has_value());
  const Manifest ask = read_manifest(kCorpus / "valid" / "2_ask.json");
  EXPECT_FALSE(ask.can("segment"));
  EXPECT_EQ(ask.stages.count("mask_encoder"), 0u);
  EXPECT_EQ(ask.stages.size(), 5u);
}

TEST(ManifestTest, ChecksAPartByItself) {
  EXPECT_EQ(parse_manifest_part<TrackingConfig>(
                R"({"num_memories": 7, "max_object_pointers": 16, "memory_width": 64})")
                .memory_width,
            64);
  expect_error(ErrorCode::kInvalidPackage, {"size_bytes: expected 1 to"}, [] {
    parse_manifest_part<FileEntry>(R"({"path": "a", "size_bytes": 0, "sha256": ""})");
  });
}

TEST(ManifestTest, AcceptsEveryValidOne) {
  const std::vector<std::string> names = json_files(kCorpus / "valid");
  EXPECT_GE(names.size(), 4u);
  for (const std::string& name : names) {
    EXPECT_NO_THROW(read_manifest(kCorpus / "valid" / name)) << name;
  }
}

TEST(ManifestTest, RefusesEveryInvalidOneByItsKey) {
  const nlohmann::json expected = read_json(kCorpus / "invalid" / "expected.json");
  EXPECT_EQ(json_files(kCorpus / "invalid").size(), expected.size());
  for (const auto& [name, expectation] : expected.items()) {
    SCOPED_TRACE(name);
    const std::string family = expectation.at("error");
    const ErrorCode code = family == "UnsupportedPackage" ? ErrorCode::kUnsupportedPackage
                                                          : ErrorCode::kInvalidPackage;
    // The path of the file stands in the message too: look for the key behind it.
    const fs::path path = kCorpus / "invalid" / name;
    expect_error(code, {path.string() + ": "}, [&] { read_manifest(path); });
    try {
      read_manifest(path);
    } catch (const Error& error) {
      const std::string problem = std::string(error.what()).substr(path.string().size());
      EXPECT_NE(problem.find(expectation.at("contains").get<std::string>()), std::string::npos)
          << problem;
    }
  }
}

TEST(ManifestTest, NamesTheFullPathOfADuplicateKey) {
  expect_error(ErrorCode::kInvalidPackage, {": stages.aligner:"},
               [] { read_manifest(kCorpus / "invalid" / "duplicate_stage.json"); });
  TemporaryFolder folder;
  folder.write("manifest.json", R"({"files": [{}, {"path": 1, "path": 2}]})");
  expect_error(ErrorCode::kInvalidPackage, {": files[1].path:"},
               [&] { read_manifest(folder.path() / "manifest.json"); });
}

TEST(ManifestTest, CountsCharactersNotBytes) {
  nlohmann::json manifest = read_json(kCorpus / "valid" / "small.json");
  std::string name;
  for (int i = 0; i < 256; ++i) name += "\u00e9";
  manifest["model"]["name"] = name;
  TemporaryFolder folder;
  folder.write("manifest.json", manifest.dump());
  EXPECT_EQ(read_manifest(folder.path() / "manifest.json").model.name, name);
  manifest["model"]["name"] = name + "\u00e9";
  folder.write("manifest.json", manifest.dump());
  expect_error(ErrorCode::kInvalidPackage, {"model.name", "256", "257"},
               [&] { read_manifest(folder.path() / "manifest.json"); });
}

TEST(ManifestTest, RefusesAnOversizedFileUnread) {
  TemporaryFolder folder;
  folder.write("manifest.json", std::string((1 << 20) + 1, ' '));
  expect_error(ErrorCode::kInvalidPackage, {"1048576", "1048577"},
               [&] { read_manifest(folder.path() / "manifest.json"); });
}

TEST(ManifestTest, RefusesAMissingFile) {
  TemporaryFolder folder;
  expect_error(ErrorCode::kInvalidPackage, {"manifest.json"},
               [&] { read_manifest(folder.path() / "manifest.json"); });
}

TEST(ManifestTest, AnswersTheVersionBeforeUnknownKeys) {
  TemporaryFolder folder;
  folder.write("manifest.json", R"({"format_version": 7, "memory": {}})");
  expect_error(ErrorCode::kUnsupportedPackage, {"format_version", "7", "update ufvideo-sdk"},
               [&] { read_manifest(folder.path() / "manifest.json"); });
}

}  // namespace
}  // namespace ufvideo
