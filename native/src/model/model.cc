#include "ufvideo/model.h"

#include <initializer_list>
#include <utility>

#include "config/memory_budget.h"
#include "features/frame_caches.h"

namespace ufvideo {

struct Model::Stages {
  Stages(const Package& package, const RuntimeConfig& config,
         const std::shared_ptr<MemoryBudget>& budget)
      : vision_encoder(package, config),
        aligner(package, config),
        region_encoder(package, config),
        token_embedder(package, config),
        language_model(package, config, budget),
        mask_encoder(package, config),
        mask_decoder(package, config) {}

  VisionEncoder vision_encoder;
  Aligner aligner;
  RegionEncoder region_encoder;
  TokenEmbedder token_embedder;
  LanguageModel language_model;
  MaskEncoder mask_encoder;
  MaskDecoder mask_decoder;
};

Model::Model(Package package, RuntimeConfig config)
    : package_(std::move(package)),
      config_(std::move(config)),
      memory_budget_(std::make_shared<MemoryBudget>(memory_limits(config_))),
      frame_caches_(make_frame_caches(memory_budget_)),
      stages_(std::make_unique<Stages>(package_, config_, memory_budget_)) {}

Model::~Model() = default;

std::shared_ptr<const Model> Model::load(const std::filesystem::path& package,
                                         const RuntimeConfig& config) {
  config.validate();
  return std::shared_ptr<const Model>(
      new Model(Package::open(package, config.verify_digests), config));
}

const Manifest& Model::manifest() const { return package_.manifest(); }
const RuntimeConfig& Model::config() const { return config_; }

ProvidersByStage Model::stage_providers() const {
  ProvidersByStage by_stage;
  for (const Stage* stage : std::initializer_list<const Stage*>{
           &stages_->vision_encoder, &stages_->aligner, &stages_->region_encoder,
           &stages_->token_embedder, &stages_->language_model, &stages_->mask_encoder,
           &stages_->mask_decoder}) {
    by_stage.emplace(stage->stem(), stage->providers());
  }
  return by_stage;
}

MemoryUse Model::memory_use() const { return memory_budget_->use(); }
const std::shared_ptr<MemoryBudget>& Model::memory_budget() const { return memory_budget_; }
const std::shared_ptr<FrameCaches>& Model::frame_caches() const { return frame_caches_; }

const VisionEncoder& Model::vision_encoder() const { return stages_->vision_encoder; }
const Aligner& Model::aligner() const { return stages_->aligner; }
const RegionEncoder& Model::region_encoder() const { return stages_->region_encoder; }
const TokenEmbedder& Model::token_embedder() const { return stages_->token_embedder; }
const LanguageModel& Model::language_model() const { return stages_->language_model; }
const MaskEncoder& Model::mask_encoder() const { return stages_->mask_encoder; }
const MaskDecoder& Model::mask_decoder() const { return stages_->mask_decoder; }

}  // namespace ufvideo
