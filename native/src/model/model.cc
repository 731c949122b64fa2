#include "ufvideo/model.h"

#include <optional>
#include <utility>
#include <vector>

#include "base/error_message.h"
#include "base/stage_clock.h"
#include "config/memory_budget.h"
#include "features/frame_caches.h"

namespace ufvideo {
namespace {

std::int64_t num_files(const Manifest& manifest) {
  std::size_t count = manifest.files.size();
  const auto count_graph = [&](const auto& entry) { count += entry.weights ? 2 : 1; };
  for (const auto& [stem, stage] : manifest.stages) {
    count_graph(stage);
    for (const auto& [provider, variant] : stage.variants) {
      count_graph(variant);
    }
  }
  return static_cast<std::int64_t>(count);
}

constexpr const char* kExportAgain = "load one that has them, or export the checkpoint again";
constexpr const char* kAddTracking =
    "add them with `ufvideo export --add track CHECKPOINT PACKAGE`, or load a package that has "
    "them";

/// @param advice how to come by a package with the capability.
template <typename OneStage>
const OneStage& required(const std::optional<OneStage>& stage, const char* capability,
                         const char* advice) {
  if (!stage) {
    fail(ErrorCode::kInvalidPackage, "manifest.json: capabilities: expected the capability \"",
         capability, "\" for what is asked, got a package without its stages; ", advice);
  }
  return *stage;
}

}  // namespace

struct Model::Stages {
  Stages(const Package& package, const RuntimeConfig& config,
         const std::shared_ptr<MemoryBudget>& budget)
      : vision_encoder(package, config),
        aligner(package, config),
        region_encoder(package, config),
        token_embedder(package, config),
        language_model(package, config, budget) {
    if (package.manifest().can("segment")) {
      mask_encoder.emplace(package, config);
      mask_decoder.emplace(package, config);
    }
    if (package.manifest().can("track")) {
      memory_encoder.emplace(package, config);
      memory_attention.emplace(package, config);
      track_decoder.emplace(package, config);
    }
  }

  std::vector<const Stage*> all() const {
    std::vector<const Stage*> stages{&vision_encoder, &aligner, &region_encoder, &token_embedder,
                                     &language_model};
    if (mask_encoder) {
      stages.insert(stages.end(), {&*mask_encoder, &*mask_decoder});
    }
    if (memory_encoder) {
      stages.insert(stages.end(), {&*memory_encoder, &*memory_attention, &*track_decoder});
    }
    return stages;
  }

  VisionEncoder vision_encoder;
  Aligner aligner;
  RegionEncoder region_encoder;
  TokenEmbedder token_embedder;
  LanguageModel language_model;
  std::optional<MaskEncoder> mask_encoder;
  std::optional<MaskDecoder> mask_decoder;
  std::optional<MemoryEncoder> memory_encoder;
  std::optional<MemoryAttention> memory_attention;
  std::optional<TrackDecoder> track_decoder;
};

Model::Model(Package package, RuntimeConfig config, const StageTiming& package_timing)
    : package_(std::move(package)),
      config_(std::move(config)),
      package_timing_(package_timing),
      memory_budget_(std::make_shared<MemoryBudget>(memory_limits(config_))),
      frame_caches_(make_frame_caches(memory_budget_)),
      stages_(std::make_unique<Stages>(package_, config_, memory_budget_)) {}

Model::~Model() = default;

std::shared_ptr<const Model> Model::load(const std::filesystem::path& package,
                                         const RuntimeConfig& config) {
  config.validate();
  const Clock::time_point begin = Clock::now();
  Package opened = Package::open(package, config.verify_digests);
  const StageTiming timing{1, num_files(opened.manifest()), elapsed_ms(begin)};
  return std::shared_ptr<const Model>(new Model(std::move(opened), config, timing));
}

const Manifest& Model::manifest() const { return package_.manifest(); }
const RuntimeConfig& Model::config() const { return config_; }

ProvidersByStage Model::stage_providers() const {
  ProvidersByStage by_stage;
  for (const Stage* stage : stages_->all()) {
    by_stage.emplace(stage->stem(), stage->providers());
  }
  return by_stage;
}

StageTimings Model::load_timings() const {
  StageTimings timings{{"package", package_timing_}};
  for (const Stage* stage : stages_->all()) {
    timings.emplace(stage->stem(), StageTiming{1, 1, stage->open_ms()});
  }
  return timings;
}

MemoryUse Model::memory_use() const { return memory_budget_->use(); }
const std::shared_ptr<MemoryBudget>& Model::memory_budget() const { return memory_budget_; }
const std::shared_ptr<FrameCaches>& Model::frame_caches() const { return frame_caches_; }

const VisionEncoder& Model::vision_encoder() const { return stages_->vision_encoder; }
const Aligner& Model::aligner() const { return stages_->aligner; }
const RegionEncoder& Model::region_encoder() const { return stages_->region_encoder; }
const TokenEmbedder& Model::token_embedder() const { return stages_->token_embedder; }
const LanguageModel& Model::language_model() const { return stages_->language_model; }
const MaskEncoder& Model::mask_encoder() const {
  return required(stages_->mask_encoder, "segment", kExportAgain);
}
const MaskDecoder& Model::mask_decoder() const {
  return required(stages_->mask_decoder, "segment", kExportAgain);
}
const MemoryEncoder& Model::memory_encoder() const {
  return required(stages_->memory_encoder, "track", kAddTracking);
}
const MemoryAttention& Model::memory_attention() const {
  return required(stages_->memory_attention, "track", kAddTracking);
}
const TrackDecoder& Model::track_decoder() const {
  return required(stages_->track_decoder, "track", kAddTracking);
}

}  // namespace ufvideo
