#include "tensor/host_memory.h"

#include <cstdlib>
#include <limits>

#include "base/address_sanitizer.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace ufvideo {
namespace {

// Wide vector loads of every CPU we run on stay within one cache line.
constexpr std::size_t kAlignmentBytes = 64;

// AddressSanitizer finds accesses beyond a block in its own allocator's memory only.
#if defined(__linux__) && !defined(UFVIDEO_ADDRESS_SANITIZER)
// What glibc maps by itself at first; it raises its bound with each mapped block that is freed.
constexpr std::size_t kMappedBytes = 128 << 10;

std::shared_ptr<void> map_block(std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return nullptr;
  }
  return {memory, [bytes](void* mapped) { munmap(mapped, bytes); }};
}
#else
constexpr std::size_t kMappedBytes = std::numeric_limits<std::size_t>::max() - kAlignmentBytes;

std::shared_ptr<void> map_block(std::size_t /*bytes*/) { return nullptr; }
#endif

}  // namespace

std::shared_ptr<void> allocate_host_memory(std::size_t bytes) {
  if (bytes > std::numeric_limits<std::size_t>::max() - kAlignmentBytes) {
    return nullptr;
  }
  if (bytes >= kMappedBytes) {
    // A process has a limited number of mappings; the allocator may have memory left.
    if (std::shared_ptr<void> mapped = map_block(bytes)) {
      return mapped;
    }
  }
  const std::size_t rounded = (bytes + kAlignmentBytes - 1) / kAlignmentBytes * kAlignmentBytes;
  return {std::aligned_alloc(kAlignmentBytes, rounded), std::free};
}

}  // namespace ufvideo
