#include "tensor/host_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <memory>
#include <vector>

#include "base/address_sanitizer.h"

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

#if !defined(UFVIDEO_ADDRESS_SANITIZER) && !defined(__SANITIZE_THREAD__)
// Fills the list of mappings of a process whose allocator has memory left, and exits: 0 where there
// is a block all the same, 2 where the list has no end.
void allocate_without_mappings(std::int64_t max_mappings) {
  std::vector<std::shared_ptr<void>> blocks;
  for (int i = 0; i < 64; ++i) {
    blocks.push_back(allocate_host_memory(kMiB / 10));
  }
  // The last one keeps the allocator from giving the others back to the system.
  blocks.erase(blocks.begin(), blocks.end() - 1);
  void* refused = nullptr;
  for (std::int64_t i = 0; i < max_mappings && refused != MAP_FAILED; ++i) {
    // Neighbours of another protection are not merged.
    const int protection = i % 2 == 0 ? PROT_NONE : PROT_READ;
    refused = mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  if (refused != MAP_FAILED) {
    _exit(2);
  }
  const std::shared_ptr<void> block = allocate_host_memory(kMiB);
  if (block == nullptr) {
    _exit(1);
  }
  std::memset(block.get(), 1, kMiB);
  _exit(0);
}

TEST(HostMemoryTest, NeedsNoMappingOfItsOwn) {
  std::int64_t max_mappings = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> max_mappings;
  if (max_mappings <= 0 || max_mappings > 100'000) {
    GTEST_SKIP() << "needs a system that limits mappings, got a limit of " << max_mappings;
  }
  const auto has_block_or_no_limit = [](int status) {
    return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 2);
  };
  EXPECT_EXIT(allocate_without_mappings(max_mappings), has_block_or_no_limit, "");
}
#endif

#ifndef UFVIDEO_ADDRESS_SANITIZER
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
