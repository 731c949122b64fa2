#include "ufvideo/symbol_ranges.h"

#include <gtest/gtest.h>

#include "error_expectation.h"

namespace ufvideo {
namespace {

Manifest small() {
  return read_manifest(std::filesystem::path(UFVIDEO_TEST_DATA_DIR) / "manifests" / "valid" /
                       "small.json");
}

void expect_range(const Manifest& manifest, const std::string& stem, const std::string& symbol,
                  const std::vector<std::int64_t>& sizes) {
  const std::vector<SymbolRange> ranges = symbol_ranges(manifest, stem);
  ASSERT_EQ(ranges.size(), 1u) << stem;
  EXPECT_EQ(ranges[0].symbol, symbol) << stem;
  EXPECT_EQ((std::vector<std::int64_t>{ranges[0].min, ranges[0].typical, ranges[0].max}), sizes)
      << stem;
}

TEST(SymbolRangesTest, OfSmallFrames) {
  const Manifest manifest = small();
  expect_range(manifest, "vision_encoder", "T", {1, 8, 8});
  expect_range(manifest, "aligner", "T", {2, 8, 8});
  expect_range(manifest, "region_encoder", "R", {1, 4, 4});
  expect_range(manifest, "mask_encoder", "F", {1, 8, 8});
  expect_range(manifest, "mask_decoder", "O", {1, 1, 16});
}

TEST(SymbolRangesTest, OfTheReleasedSizes) {
  Manifest manifest = small();
  manifest.video.num_frames = 32;
  manifest.video.vision_size_px = 384;
  manifest.video.mask_size_px = 1024;
  expect_range(manifest, "vision_encoder", "T", {1, 7, 7});
  expect_range(manifest, "aligner", "T", {2, 16, 16});
  expect_range(manifest, "mask_encoder", "F", {1, 1, 1});
}

TEST(SymbolRangesTest, OfShortAndOddClips) {
  Manifest manifest = small();
  manifest.video.num_frames = 5;
  // Frames of regions may be more than the clip's.
  expect_range(manifest, "vision_encoder", "T", {1, 5, 8});
  expect_range(manifest, "aligner", "T", {2, 4, 4});
  manifest.video.aligner_padding = 1;
  expect_range(manifest, "aligner", "T", {5, 5, 5});
}

TEST(SymbolRangesTest, OfTracking) {
  const Manifest manifest = read_manifest(std::filesystem::path(UFVIDEO_TEST_DATA_DIR) /
                                          "manifests" / "valid" / "2_track.json");
  expect_range(manifest, "memory_encoder", "O", {1, 1, 4});
  expect_range(manifest, "track_decoder", "O", {1, 1, 4});
  const std::vector<SymbolRange> ranges = symbol_ranges(manifest, "memory_attention");
  ASSERT_EQ(ranges.size(), 3u);
  const std::vector<std::vector<std::int64_t>> expected{{1, 1, 4}, {1, 7, 14}, {1, 16, 23}};
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    EXPECT_EQ(ranges[i].symbol, std::string(1, "OKQ"[i]));
    EXPECT_EQ((std::vector<std::int64_t>{ranges[i].min, ranges[i].typical, ranges[i].max}),
              expected[i]);
  }
}

TEST(SymbolRangesTest, NoneOfWhatTensorRtDoesNotRun) {
  EXPECT_TRUE(symbol_ranges(small(), "token_embedder").empty());
  EXPECT_TRUE(symbol_ranges(small(), "language_model").empty());
  expect_error(ErrorCode::kInvalidPackage, {"expected a stage of the manifest", "got memory"},
               [] { symbol_ranges(small(), "memory"); });
}

}  // namespace
}  // namespace ufvideo
