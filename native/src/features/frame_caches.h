#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "config/memory_budget.h"
#include "features/frame_cache.h"
#include "ufvideo/stages/mask_encoder.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// The caches that all sessions of a model share, so that a bound holds for the whole model, and
/// memory goes to the session that works. Each source of frames has a number of its own.
struct FrameCaches {
  explicit FrameCaches(const std::shared_ptr<MemoryBudget>& budget);

  std::uint64_t next_source() { return ++num_sources; }
  /// A later scan has a larger number, whoever begins it.
  std::uint64_t next_scan() { return ++num_scans; }
  /// Evicts unreferenced entries until `bytes` bytes are free, cheapest to recompute first: pixels,
  /// SigLIP features, SAM 2 features. Returns the bytes freed.
  std::size_t evict(std::size_t bytes);

  /// uint8 [H, W, 3].
  FrameCache<Tensor> pixels;
  /// float32 [1, P, Dv].
  FrameCache<Tensor> vision;
  FrameCache<MaskFeatures> masks;

 private:
  std::atomic<std::uint64_t> num_sources{0};
  std::atomic<std::uint64_t> num_scans{0};
};

/// Caches that the budget evicts from.
std::shared_ptr<FrameCaches> make_frame_caches(const std::shared_ptr<MemoryBudget>& budget);

}  // namespace ufvideo
