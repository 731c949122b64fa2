#include "tensor/host_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <memory>
#include <vector>

namespace ufvideo {
namespace {

constexpr std::size_t kMiB = 1 << 20;

std::size_t resident_bytes() {
  std::size_t total_pages = 0;
  std::size_t resident_pages = 0;
  std::ifstream("/proc/self/statm") >> total_pages >> resident_pages;
  return resident_pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

TEST(HostMemoryTest, IsAlignedAndWritable) {
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{100}, kMiB / 8 - 1, kMiB / 8, kMiB}) {
    const std::shared_ptr<void> memory = allocate_host_memory(bytes);
    ASSERT_NE(memory, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.get()) % 64, 0u);
    std::memset(memory.get(), 1, bytes);
  }
}

TEST(HostMemoryTest, IsNullWhereTheSystemHasNone) {
  EXPECT_EQ(allocate_host_memory(std::numeric_limits<std::size_t>::max()), nullptr);
  EXPECT_EQ(allocate_host_memory(std::numeric_limits<std::size_t>::max() / 2), nullptr);
}

#ifndef __SANITIZE_ADDRESS__
TEST(HostMemoryTest, GivesLargeBlocksBackAtOnce) {
  // glibc keeps blocks like these once it has seen one freed, and those between two in use always.
  allocate_host_memory(16 * kMiB);
  std::vector<std::shared_ptr<void>> blocks;
  for (int i = 0; i < 128; ++i) {
    blocks.push_back(allocate_host_memory(kMiB / 2));
    std::memset(blocks.back().get(), 1, kMiB / 2);
  }
  const std::size_t full = resident_bytes();
  for (std::size_t i = 0; i < blocks.size(); i += 2) {
    blocks[i].reset();
  }
  EXPECT_LE(resident_bytes() + 30 * kMiB, full);
}
#endif

}  // namespace
}  // namespace ufvideo
