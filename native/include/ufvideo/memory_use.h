#pragma once

#include <array>
#include <cstddef>
#include <optional>

namespace ufvideo {

/// What the sessions of a model hold memory for.
enum class MemoryKind {
  /// Keys and values of all sessions' sequences and batches.
  kKvCache,
  /// SigLIP features and video tokens of the clips that are open.
  kClipFeatures,
  /// Cached SigLIP features of frames outside open clips.
  kRegionFeatures,
  /// SAM 2 features kept.
  kMaskFeatures,
  /// Pixels kept of frames.
  kPixels,
  /// SAM 2 memories of tracked objects.
  kTrackMemory,
};
inline constexpr std::size_t kNumMemoryKinds = 6;

/// Bytes that all sessions of a model hold together, at one moment.
struct MemoryUse {
  /// By MemoryKind.
  std::array<std::size_t, kNumMemoryKinds> memory_bytes{};
  std::size_t total_bytes = 0;
  /// The most they have held at once since the model was loaded.
  std::size_t peak_bytes = 0;
  /// RuntimeConfig::memory_budget_bytes.
  std::optional<std::size_t> budget_bytes;
  /// By MemoryKind: the most held of it at once since the model was loaded. The kinds peak at
  /// different moments, so that the sum is more than peak_bytes.
  std::array<std::size_t, kNumMemoryKinds> peak_memory_bytes{};

  std::size_t held(MemoryKind kind) const { return memory_bytes[static_cast<std::size_t>(kind)]; }
  std::size_t peak(MemoryKind kind) const {
    return peak_memory_bytes[static_cast<std::size_t>(kind)];
  }
};

}  // namespace ufvideo
