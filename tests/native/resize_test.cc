#include "ufvideo/resize.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "error_expectation.h"
#include "frames/mask_resize.h"

namespace ufvideo {
namespace {

namespace fs = std::filesystem;

const fs::path kCases = fs::path(UFVIDEO_TEST_DATA_DIR) / "resize";

nlohmann::json read_cases(const std::string& name) {
  std::ifstream stream(kCases / "cases.json");
  return nlohmann::json::parse(stream).at(name);
}

std::vector<std::uint8_t> read_results(const std::string& name) {
  std::ifstream stream(kCases / (name + ".bin"), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  return {bytes.begin(), bytes.end()};
}

/// The same numbers that make_cases.py makes.
std::uint32_t hashed(std::uint32_t index, std::uint32_t seed) {
  std::uint32_t value = (index + seed * 7919u) * 2654435761u;
  value ^= value >> 15;
  value *= 2246822519u;
  return value ^ (value >> 13);
}

Tensor frame_of(const std::string& pattern, std::int64_t height, std::int64_t width,
                std::uint32_t seed) {
  Tensor frame(DType::kUint8, {1, height, width, 3});
  for (std::size_t i = 0; i < frame.elements(); ++i) {
    const std::uint32_t noise = hashed(static_cast<std::uint32_t>(i), seed);
    const std::uint32_t extreme = noise >> 31 ? 255 : 0;
    frame.data<std::uint8_t>()[i] =
        static_cast<std::uint8_t>(pattern == "noise" ? noise >> 24 : extreme);
  }
  return frame;
}

std::size_t num_different(const void* actual, const std::uint8_t* expected, std::size_t size) {
  const auto* bytes = static_cast<const std::uint8_t*>(actual);
  std::size_t different = 0;
  for (std::size_t i = 0; i < size; ++i) different += bytes[i] != expected[i];
  return different;
}

TEST(ResizeBicubicTest, EqualsPillowBitForBit) {
  const std::vector<std::uint8_t> results = read_results("bicubic");
  std::size_t offset = 0;
  for (const auto& one : read_cases("bicubic")) {
    const int height = one["to"][0];
    const int width = one["to"][1];
    const Tensor frame = frame_of(one["pattern"], one["from"][0], one["from"][1], one["seed"]);
    for (const bool use_vectors : {true, false}) {
      const Tensor resized = resize_bicubic(frame, height, width, {1, use_vectors});
      ASSERT_EQ(resized.shape(), (Shape{1, height, width, 3})) << one;
      ASSERT_LE(offset + resized.bytes(), results.size());
      EXPECT_EQ(num_different(resized.raw(), &results[offset], resized.bytes()), 0u) << one;
    }
    offset += static_cast<std::size_t>(height) * width * 3;
  }
  EXPECT_EQ(offset, results.size());
}

TEST(ResizeBicubicTest, VectorsAndThreadsChangeNoBit) {
  const std::vector<std::array<int, 4>> sizes{
      {1, 1, 7, 5},      {5, 3, 2, 2},        {17, 33, 9, 40},     {64, 96, 64, 31},
      {64, 96, 31, 96},  {90, 121, 384, 384}, {721, 1283, 96, 97}, {1080, 1920, 384, 384},
      {1600, 900, 3, 1}, {3, 2000, 2, 5},     {2000, 3, 5, 2}};
  for (const auto& [in_height, in_width, height, width] : sizes) {
    for (const char* pattern : {"noise", "extremes"}) {
      const Tensor frame = frame_of(pattern, in_height, in_width, 3);
      const Tensor scalar = resize_bicubic(frame, height, width, {1, false});
      for (const int num_threads : {1, 2, 3, 7}) {
        for (const bool use_vectors : {false, true}) {
          const Tensor other = resize_bicubic(frame, height, width, {num_threads, use_vectors});
          ASSERT_EQ(std::memcmp(scalar.raw(), other.raw(), scalar.bytes()), 0)
              << in_height << " x " << in_width << " to " << height << " x " << width << ", "
              << num_threads << " threads, vectors " << use_vectors;
        }
      }
    }
  }
}

TEST(ResizeBicubicTest, ManyFramesEqualOneByOne) {
  Tensor frames(DType::kUint8, {3, 31, 45, 3});
  for (std::uint32_t t = 0; t < 3; ++t) {
    std::memcpy(frames.rows(t, t + 1).raw(), frame_of("noise", 31, 45, t).raw(), 31 * 45 * 3);
  }
  const Tensor together = resize_bicubic(frames, 20, 64);
  for (std::int64_t t = 0; t < 3; ++t) {
    const Tensor alone = resize_bicubic(frames.rows(t, t + 1), 20, 64);
    EXPECT_EQ(std::memcmp(alone.raw(), together.rows(t, t + 1).raw(), alone.bytes()), 0);
  }
}

TEST(ResizeBicubicTest, TheSameSizeIsTheSameMemory) {
  const Tensor frame = frame_of("noise", 6, 8, 0);
  EXPECT_EQ(resize_bicubic(frame, 6, 8).raw(), frame.raw());
}

TEST(ResizeBicubicTest, NoFramesGiveNoFrames) {
  EXPECT_EQ(resize_bicubic(Tensor(DType::kUint8, {0, 6, 8, 3}), 3, 4).shape(), (Shape{0, 3, 4, 3}));
}

TEST(ResizeBicubicTest, RefusesWhatIsNoFrame) {
  const auto refuse = [](const Tensor& frames, int height, int width,
                         const std::vector<std::string>& texts) {
    expect_error(ErrorCode::kInvalidInput, texts, [&] { resize_bicubic(frames, height, width); });
  };
  expect_error(ErrorCode::kInvalidInput, {"num_threads: expected 1 or more, got 0"},
               [&] { resize_bicubic(frame_of("noise", 4, 4, 0), 2, 2, {0}); });
  refuse(Tensor(DType::kFloat32, {1, 4, 4, 3}), 2, 2, {"uint8", "float32"});
  refuse(Tensor(DType::kUint8, {4, 4, 3}), 2, 2, {"[T, H, W, 3]", "[4, 4, 3]"});
  refuse(Tensor(DType::kUint8, {1, 4, 4, 4}), 2, 2, {"[1, 4, 4, 4]"});
  refuse(Tensor(DType::kUint8, {1, 0, 4, 3}), 2, 2, {"[1, 0, 4, 3]"});
  refuse(Tensor(DType::kUint8, {1, 4, 4, 3}), 0, 2, {"0 x 2"});
  refuse(Tensor(DType::kUint8, {1, 4, 4, 3}), 2, -1, {"2 x -1"});
  refuse(Tensor(DType::kUint8, {1, 4, 4, 3}), 2, 1 << 20, {"1048576"});
}

TEST(DecodeMaskTest, EqualsTwoBilinearStepsOfPyTorch) {
  const std::vector<std::uint8_t> results = read_results("decode_mask");
  std::size_t offset = 0;
  for (const auto& one : read_cases("decode_mask")) {
    const int side = one["side"];
    const int height = one["to"][0];
    const int width = one["to"][1];
    std::vector<float> logits(static_cast<std::size_t>(side) * side);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const auto number = static_cast<float>(hashed(static_cast<std::uint32_t>(i), one["seed"]));
      logits[i] = number / 2147483648.0f - 1.0f;
    }
    Tensor mask(DType::kBool, {height, width});
    decode_mask(logits.data(), side, one["mask_size_px"], height, width, mask.data<bool>());
    ASSERT_LE(offset + mask.bytes(), results.size());
    EXPECT_EQ(num_different(mask.raw(), &results[offset], mask.bytes()), 0u) << one;
    offset += mask.bytes();
  }
  EXPECT_EQ(offset, results.size());
}

TEST(DecodeMaskTest, ZeroIsBackground) {
  const std::vector<float> logits(4, 0.0f);
  std::array<bool, 6> mask{true, true, true, true, true, true};
  decode_mask(logits.data(), 2, 4, 2, 3, mask.data());
  EXPECT_EQ(mask, (std::array<bool, 6>{}));
}

TEST(ShrinkMaskTest, EqualsPyTorchAboveZero) {
  const std::vector<std::uint8_t> results = read_results("shrink_mask");
  std::size_t offset = 0;
  for (const auto& one : read_cases("shrink_mask")) {
    const int height = one["from"][0];
    const int width = one["from"][1];
    Tensor mask(DType::kBool, {height, width});
    for (std::size_t i = 0; i < mask.elements(); ++i) {
      const std::uint32_t number = hashed(static_cast<std::uint32_t>(i), one["seed"]);
      mask.data<bool>()[i] = number % one["rarity"].get<std::uint32_t>() == 0;
    }
    const Tensor small = shrink_mask(mask.data<bool>(), height, width, one["to"][0], one["to"][1]);
    ASSERT_EQ(small.shape(), (Shape{one["to"][0], one["to"][1]}));
    ASSERT_LE(offset + small.bytes(), results.size());
    EXPECT_EQ(num_different(small.raw(), &results[offset], small.bytes()), 0u) << one;
    offset += small.bytes();
  }
  EXPECT_EQ(offset, results.size());
}

}  // namespace
}  // namespace ufvideo
