#include "ufvideo/mask_runs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "error_expectation.h"

namespace ufvideo {
namespace {

/// Not std::vector<bool>, which has no bool to point at.
struct Mask {
  Mask(int h, int w) : height(h), width(w), pixels(new bool[static_cast<std::size_t>(h) * w]()) {}
  bool& at(int y, int x) { return pixels[static_cast<std::size_t>(y) * width + x]; }
  std::string code() const { return encode_mask_runs(pixels.get(), height, width); }
  std::size_t size() const { return static_cast<std::size_t>(height) * width; }
  int height;
  int width;
  std::unique_ptr<bool[]> pixels;
};

/// Run lengths by COCO's published rule, written apart from the code under test.
std::vector<long> coco_runs(const std::string& counts) {
  std::vector<long> runs;
  for (std::size_t at = 0; at < counts.size();) {
    long value = 0;
    int num_groups = 0;
    bool more = true;
    while (more) {
      const long group = counts[at++] - 48;
      value |= (group & 31) << (5 * num_groups++);
      more = (group & 32) != 0;
      if (!more && (group & 16) != 0) {
        value |= -(std::int64_t{1} << (5 * num_groups));
      }
    }
    runs.push_back(value + (runs.size() > 2 ? runs[runs.size() - 2] : 0));
  }
  return runs;
}

TEST(MaskRunsTest, KnownCodes) {
  Mask mask(3, 4);
  EXPECT_EQ(mask.code(), "<");
  mask.at(1, 1) = mask.at(2, 1) = true;
  EXPECT_EQ(mask.code(), "426");
  std::fill_n(mask.pixels.get(), mask.size(), true);
  EXPECT_EQ(mask.code(), "0<");
}

TEST(MaskRunsTest, RandomMasksComeBack) {
  std::mt19937 random(5);
  for (const auto& [height, width] : std::vector<std::pair<int, int>>{
           {1, 1}, {1, 37}, {53, 1}, {7, 8}, {8, 7}, {9, 16}, {90, 121}, {241, 319}}) {
    for (const double density : {0.0, 0.01, 0.5, 0.99, 1.0}) {
      Mask mask(height, width);
      std::bernoulli_distribution is_set(density);
      std::generate_n(mask.pixels.get(), mask.size(), [&] { return is_set(random); });
      const std::string counts = mask.code();
      Mask back(height, width);
      std::fill_n(back.pixels.get(), back.size(), true);
      decode_mask_runs(counts, height, width, back.pixels.get());
      ASSERT_TRUE(std::equal(mask.pixels.get(), mask.pixels.get() + mask.size(), back.pixels.get()))
          << height << " x " << width << ", " << density;
      long position = 0;
      bool is_one = false;
      for (const long run : coco_runs(counts)) {
        for (long i = 0; i < run; ++i, ++position) {
          ASSERT_EQ(
              mask.at(static_cast<int>(position % height), static_cast<int>(position / height)),
              is_one);
        }
        is_one = !is_one;
      }
      ASSERT_EQ(position, long{height} * width);
    }
  }
}

TEST(MaskRunsTest, ExtentIsThatOfThePixels) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    Mask mask(1 + static_cast<int>(random() % 9), 1 + static_cast<int>(random() % 9));
    const int num_set = static_cast<int>(random() % 4);
    MaskExtent expected{0, mask.width, mask.height, 0, 0};
    for (int i = 0; i < num_set; ++i) {
      mask.at(static_cast<int>(random() % mask.height), static_cast<int>(random() % mask.width)) =
          true;
    }
    std::int64_t right = 0;
    std::int64_t bottom = 0;
    for (int y = 0; y < mask.height; ++y) {
      for (int x = 0; x < mask.width; ++x) {
        if (mask.at(y, x)) {
          ++expected.num_pixels;
          expected.left = std::min<std::int64_t>(expected.left, x);
          expected.top = std::min<std::int64_t>(expected.top, y);
          right = std::max<std::int64_t>(right, x + 1);
          bottom = std::max<std::int64_t>(bottom, y + 1);
        }
      }
    }
    if (expected.num_pixels == 0) {
      expected = {};
    } else {
      expected.width = right - expected.left;
      expected.height = bottom - expected.top;
    }
    const MaskExtent extent = mask_extent(mask.code(), mask.height, mask.width);
    EXPECT_EQ(extent.num_pixels, expected.num_pixels);
    EXPECT_EQ(extent.left, expected.left);
    EXPECT_EQ(extent.top, expected.top);
    EXPECT_EQ(extent.width, expected.width);
    EXPECT_EQ(extent.height, expected.height);
  }
}

TEST(MaskRunsTest, RunsOfNoLengthChangeNothing) {
  // 2 zeros, no one, 1 zero, 3 ones: another encoder's way to write 3 zeros, 3 ones.
  Mask mask(3, 2);
  decode_mask_runs("2013", 3, 2, mask.pixels.get());
  EXPECT_EQ(mask_extent("2013", 3, 2).num_pixels, 3);
  EXPECT_EQ(mask.code(), "33");
}

TEST(MaskRunsTest, RefusesWhatFillsNoMask) {
  const auto refused = [](const std::string& counts, const std::vector<std::string>& texts) {
    expect_error(ErrorCode::kInvalidInput, texts, [&] {
      Mask mask(2, 3);
      decode_mask_runs(counts, 2, 3, mask.pixels.get());
    });
  };
  refused("", {"fill 2 x 3 pixels, got 0"});
  refused("5", {"fill 2 x 3 pixels, got 5"});
  refused("7O", {"fill 2 x 3 pixels, got 7"});
  refused("1O6", {"run lengths of 0 or more, got -1 as run 1"});
  refused("6\x20", {"expected characters '0' to 'o', got byte 32 at 1"});
  refused("6p", {"expected characters '0' to 'o', got byte 112 at 1"});
  refused("P", {"expected a whole run length"});
  refused(std::string(14, '`'), {"at most 60 bits, got more at 12"});
  // The largest numbers of either sign.
  refused(std::string(11, 'o') + "?", {"fill 2 x 3 pixels"});
  refused(std::string(11, 'P') + "@", {"run lengths of 0 or more"});
  for (const auto& [height, width] :
       std::vector<std::pair<int, int>>{{0, 3}, {3, 0}, {-1, -1}, {1 << 14, (1 << 14) + 1}}) {
    const int rows = height;
    const int columns = width;
    expect_error(ErrorCode::kInvalidInput, {"expected a mask of 1 to 268435456 pixels"},
                 [&] { mask_extent("1", rows, columns); });
    expect_error(ErrorCode::kInvalidInput, {"expected a mask of 1 to 268435456 pixels"},
                 [&] { encode_mask_runs(nullptr, rows, columns); });
  }
}

}  // namespace
}  // namespace ufvideo
