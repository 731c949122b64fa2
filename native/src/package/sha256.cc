#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/error_message.h"
#include "package/open_file.h"
#include "package/sha256_compress.h"
#include "ufvideo/package.h"

namespace ufvideo {
namespace {

constexpr std::size_t kBlockBytes = 64;

class Sha256 {
 public:
  void add(const unsigned char* bytes, std::size_t size) {
    num_bytes_ += size;
    if (num_pending_ > 0) {
      const std::size_t taken = std::min(size, kBlockBytes - num_pending_);
      std::memcpy(pending_.data() + num_pending_, bytes, taken);
      num_pending_ += taken;
      bytes += taken;
      size -= taken;
      if (num_pending_ < kBlockBytes) {
        return;
      }
      compress_(state_, pending_.data(), 1);
    }
    compress_(state_, bytes, size / kBlockBytes);
    num_pending_ = size % kBlockBytes;
    std::memcpy(pending_.data(), bytes + (size - num_pending_), num_pending_);
  }

  std::string finish() {
    const std::uint64_t num_bits = num_bytes_ * 8;
    const unsigned char one = 0x80;
    const unsigned char zero = 0;
    add(&one, 1);
    while (num_pending_ != kBlockBytes - 8) {
      add(&zero, 1);
    }
    std::array<unsigned char, 8> length;
    for (std::size_t i = 0; i < length.size(); ++i) {
      length[i] = static_cast<unsigned char>(num_bits >> (56 - 8 * i));
    }
    add(length.data(), length.size());
    std::string hex;
    for (const std::uint32_t word : state_) {
      for (int shift = 28; shift >= 0; shift -= 4) {
        hex += "0123456789abcdef"[(word >> shift) & 15];
      }
    }
    return hex;
  }

 private:
  Sha256Compress compress_ = fastest_sha256_compress();
  // FIPS 180-4, section 5.3.3.
  Sha256State state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, kBlockBytes> pending_{};
  std::size_t num_pending_ = 0;
  std::uint64_t num_bytes_ = 0;
};

}  // namespace

std::string sha256_file(const std::filesystem::path& path) {
  std::ifstream stream = open_file(path);
  Sha256 digest;
  std::vector<char> buffer(std::size_t{1} << 20);
  while (stream) {
    stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    digest.add(reinterpret_cast<const unsigned char*>(buffer.data()),
               static_cast<std::size_t>(stream.gcount()));
  }
  if (stream.bad()) {
    fail(ErrorCode::kInvalidPackage, "expected to read all of ", path.string(),
         ", the read failed");
  }
  return digest.finish();
}

}  // namespace ufvideo
