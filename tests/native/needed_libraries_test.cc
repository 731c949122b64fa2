#include "ort/needed_libraries.h"

#include <gtest/gtest.h>

#include <fstream>

#include "temporary_folder.h"

namespace ufvideo {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class NeededLibrariesTest : public testing::Test {
 protected:
  std::vector<std::string> needed_by(const std::string& bytes) const {
    const fs::path path = folder_.path() / "library.so";
    std::ofstream(path, std::ios::binary) << bytes;
    return needed_libraries(path);
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(NeededLibrariesTest, TheyAreReadInOrder) {
  const std::vector<std::string> needed = needed_libraries(UFVIDEO_TENSORRT_PROVIDER_CUDA12);
  ASSERT_GE(needed.size(), 2U);
  EXPECT_EQ(needed[0], "libnvinfer.so.10");
  EXPECT_EQ(needed[1], "libcudart.so.12");
}

TEST_F(NeededLibrariesTest, WhatIsNoLibraryNeedsNone) {
  EXPECT_TRUE(needed_libraries("/nowhere/library.so").empty());
  EXPECT_TRUE(needed_by("").empty());
  EXPECT_TRUE(needed_by("text").empty());
  std::string bytes = bytes_of(UFVIDEO_TENSORRT_PROVIDER_CUDA12);
  bytes[4] = 7;  // Neither 32 nor 64 bits.
  EXPECT_TRUE(needed_by(bytes).empty());
}

TEST_F(NeededLibrariesTest, ADamagedLibraryIsReadWithinItsBounds) {
  const std::string whole = bytes_of(UFVIDEO_TENSORRT_PROVIDER_CUDA12);
  for (std::size_t size = 0; size < whole.size(); size += 997) {
    EXPECT_LE(needed_by(whole.substr(0, size)).size(), 65536U);
  }
  // The first kilobyte holds all headers.
  for (std::size_t i = 0; i < 1024; i += 5) {
    std::string bytes = whole;
    bytes[i] = '\xff';
    EXPECT_LE(needed_by(bytes).size(), 65536U);
  }
}

}  // namespace
}  // namespace ufvideo
