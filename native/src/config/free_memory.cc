#include "config/free_memory.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "ufvideo/available_memory.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace ufvideo {
namespace {

using Bytes = std::optional<std::size_t>;

/// The one number a file holds; nothing for a missing file or a word such as "max".
Bytes number_in(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::size_t number = 0;
  return stream >> number ? Bytes{number} : std::nullopt;
}

/// The number behind a key that begins a line, times `unit`.
Bytes number_of(const std::filesystem::path& file, const std::string& key, std::size_t unit) {
  std::ifstream stream(file);
  std::string line;
  while (std::getline(stream, line)) {
    std::istringstream words(line);
    std::string word;
    std::size_t number = 0;
    if (words >> word >> number && word == key) {
      return number * unit;
    }
  }
  return std::nullopt;
}

Bytes least(Bytes a, Bytes b) { return a && b ? std::min(a, b) : (a ? a : b); }

/// What is left of one group's limit. The page cache counts as used there, and the kernel takes its
/// inactive part back before it refuses memory.
Bytes left_of_limit(const std::filesystem::path& group, const char* limit_name,
                    const char* used_name, const char* inactive_key) {
  const Bytes limit = number_in(group / limit_name);
  const Bytes used = number_in(group / used_name);
  if (!limit || !used) {
    return std::nullopt;
  }
  const std::size_t inactive = number_of(group / "memory.stat", inactive_key, 1).value_or(0);
  const std::size_t held = *used - std::min(*used, inactive);
  return *limit - std::min(*limit, held);
}

/// The path of this process in one hierarchy: "0::/a/b" (version 2), "5:memory:/a/b" (version 1).
std::string group_path(const std::filesystem::path& file, const std::string& hierarchy) {
  std::ifstream stream(file);
  std::string line;
  while (std::getline(stream, line)) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second != std::string::npos && line.substr(first + 1, second - first - 1) == hierarchy) {
      return line.substr(second + 1);
    }
  }
  return "/";
}

/// A limit of any group above this process binds it too.
Bytes left_of_groups(const std::filesystem::path& mount, const std::string& path,
                     const char* limit_name, const char* used_name, const char* inactive_key) {
  Bytes left = left_of_limit(mount, limit_name, used_name, inactive_key);
  std::filesystem::path group = mount;
  for (const auto& part : std::filesystem::path(path).relative_path()) {
    group /= part;
    left = least(left, left_of_limit(group, limit_name, used_name, inactive_key));
  }
  return left;
}

}  // namespace

std::optional<std::size_t> free_memory_bytes(const std::filesystem::path& root) {
  const std::filesystem::path groups = root / "sys/fs/cgroup";
  const std::filesystem::path own = root / "proc/self/cgroup";
  const Bytes available = number_of(root / "proc/meminfo", "MemAvailable:", 1024);
  const Bytes second =
      left_of_groups(groups, group_path(own, ""), "memory.max", "memory.current", "inactive_file");
  const Bytes first =
      left_of_groups(groups / "memory", group_path(own, "memory"), "memory.limit_in_bytes",
                     "memory.usage_in_bytes", "total_inactive_file");
  return least(available, least(second, first));
}

void return_free_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

std::optional<std::size_t> available_memory_bytes() { return free_memory_bytes(); }

}  // namespace ufvideo
