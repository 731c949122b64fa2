#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ufvideo {

using Sha256State = std::array<std::uint32_t, 8>;

/// Mixes blocks of 64 bytes into the state (FIPS 180-4, section 6.2.2).
using Sha256Compress = void (*)(Sha256State& state, const unsigned char* blocks,
                                std::size_t num_blocks);

/// Works on every machine, about 300 MB/s.
void sha256_compress_plain(Sha256State& state, const unsigned char* blocks, std::size_t num_blocks);

/// The fastest one this processor has: its SHA instructions where there are some (x86: about
/// 1.5 GB/s; 64-bit Arm).
Sha256Compress fastest_sha256_compress();

}  // namespace ufvideo
