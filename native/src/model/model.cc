#include "ufvideo/model.h"

#include <optional>
#include <utility>
#include <vector>

#include "base/error_message.h"
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
        language_model(package, config, budget) {
    if (package.manifest().can("segment")) {
      mask_encoder.emplace(package, config);
      mask_decoder.emplace(package, config);
    }
  }

  std::vector<const Stage*> all() const {
    std::vector<const Stage*> stages{&vision_encoder, &aligner, &region_encoder, &token_embedder,
                                     &language_model};
    if (mask_encoder) {
      stages.insert(stages.end(), {&*mask_encoder, &*mask_decoder});
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
};

namespace {

template <typename OneStage>
const OneStage& required(const std::optional<OneStage>& stage, const char* capability) {
  if (!stage) {
    fail(
        ErrorCode::kInvalidPackage, "manifest.json: capabilities: expected \"", capability,
        "\" for what is asked, the package lacks its stages; load one that has them, or export the "
        "checkpoint again");
  }
  return *stage;
}

}  // namespace

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
  for (const Stage* stage : stages_->all()) {
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
const MaskEncoder& Model::mask_encoder() const {
  return required(stages_->mask_encoder, "segment");
}
const MaskDecoder& Model::mask_decoder() const {
  return required(stages_->mask_decoder, "segment");
}

}  // namespace ufvideo
