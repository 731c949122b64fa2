#pragma once

#include <filesystem>
#include <memory>

#include "ufvideo/config.h"
#include "ufvideo/memory_use.h"
#include "ufvideo/package.h"
#include "ufvideo/stage_providers.h"
#include "ufvideo/stages/aligner.h"
#include "ufvideo/stages/language_model.h"
#include "ufvideo/stages/mask_decoder.h"
#include "ufvideo/stages/mask_encoder.h"
#include "ufvideo/stages/memory_attention.h"
#include "ufvideo/stages/memory_encoder.h"
#include "ufvideo/stages/region_encoder.h"
#include "ufvideo/stages/token_embedder.h"
#include "ufvideo/stages/track_decoder.h"
#include "ufvideo/stages/vision_encoder.h"
#include "ufvideo/statistics.h"

namespace ufvideo {

struct FrameCaches;
class MemoryBudget;

/// The weights: immutable after loading and shared by any number of sessions and threads.
class Model {
 public:
  /// Opens the package and every stage of its capabilities. Throws InvalidPackage,
  /// UnsupportedPackage, InvalidConfig, DeviceUnavailable or InferenceFailed.
  static std::shared_ptr<const Model> load(const std::filesystem::path& package,
                                           const RuntimeConfig& config);
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const Manifest& manifest() const;
  const RuntimeConfig& config() const;
  /// What each stage runs on.
  ProvidersByStage stage_providers() const;

  /// How long load() took: by stage stem to open its graph, under "package" to compare the files
  /// with the manifest (num_items: files).
  StageTimings load_timings() const;

  /// What all its sessions hold together, from any thread.
  MemoryUse memory_use() const;
  /// What its sessions take their memory of.
  const std::shared_ptr<MemoryBudget>& memory_budget() const;
  /// What its sessions keep of frames.
  const std::shared_ptr<FrameCaches>& frame_caches() const;

  const VisionEncoder& vision_encoder() const;
  const Aligner& aligner() const;
  const RegionEncoder& region_encoder() const;
  const TokenEmbedder& token_embedder() const;
  const LanguageModel& language_model() const;
  /// These two throw InvalidPackage if the package cannot segment.
  const MaskEncoder& mask_encoder() const;
  const MaskDecoder& mask_decoder() const;
  /// These three throw InvalidPackage if the package cannot track.
  const MemoryEncoder& memory_encoder() const;
  const MemoryAttention& memory_attention() const;
  const TrackDecoder& track_decoder() const;

 private:
  Model(Package package, RuntimeConfig config, const StageTiming& package_timing);

  struct Stages;
  Package package_;
  RuntimeConfig config_;
  StageTiming package_timing_;
  std::shared_ptr<MemoryBudget> memory_budget_;
  std::shared_ptr<FrameCaches> frame_caches_;
  std::unique_ptr<Stages> stages_;
};

}  // namespace ufvideo
