#include "config/free_memory.h"

#include <gtest/gtest.h>

#include <fstream>

#include "temporary_folder.h"

namespace ufvideo {
namespace {

void write(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

TEST(FreeMemory, IsWhatTheKernelCountsAsAvailable) {
  const TemporaryFolder root;
  EXPECT_FALSE(free_memory_bytes(root.path()));
  write(root.path() / "proc/meminfo", "MemTotal: 900 kB\nMemFree: 5 kB\nMemAvailable: 700 kB\n");
  EXPECT_EQ(free_memory_bytes(root.path()), 700u * 1024);
}

TEST(FreeMemory, IsBoundByEveryGroupAbove) {
  const TemporaryFolder root;
  const auto groups = root.path() / "sys/fs/cgroup";
  write(root.path() / "proc/meminfo", "MemAvailable: 700 kB\n");
  write(root.path() / "proc/self/cgroup", "0::/outer/inner\n");
  write(groups / "outer/memory.max", "100000\n");
  write(groups / "outer/memory.current", "60000\n");
  write(groups / "outer/memory.stat", "anon 40000\ninactive_file 15000\n");
  write(groups / "outer/inner/memory.max", "max\n");
  write(groups / "outer/inner/memory.current", "60000\n");
  EXPECT_EQ(free_memory_bytes(root.path()), 100000u - 45000u);
  write(groups / "outer/inner/memory.max", "50000\n");
  EXPECT_EQ(free_memory_bytes(root.path()), 0u);
}

TEST(FreeMemory, ReadsTheFirstVersionToo) {
  const TemporaryFolder root;
  const auto groups = root.path() / "sys/fs/cgroup/memory";
  write(root.path() / "proc/self/cgroup", "9:cpu,cpuacct:/x\n5:memory:/box\n0::/\n");
  write(groups / "box/memory.limit_in_bytes", "100000\n");
  write(groups / "box/memory.usage_in_bytes", "30000\n");
  write(groups / "box/memory.stat", "inactive_file 9\ntotal_inactive_file 10000\n");
  EXPECT_EQ(free_memory_bytes(root.path()), 80000u);
}

}  // namespace
}  // namespace ufvideo
