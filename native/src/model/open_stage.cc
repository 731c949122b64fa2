#include "ufvideo/open_stage.h"

#include "ufvideo/stages/stage.h"

namespace ufvideo {
namespace {

/// Any stage, without what it can do.
class OpenedStage : public Stage {
 public:
  OpenedStage(const Package& package, const std::string& stem, const RuntimeConfig& config)
      : Stage(package, stem, config) {}
};

}  // namespace

StageProviders open_stage(const Package& package, const std::string& stem,
                          const RuntimeConfig& config) {
  return OpenedStage(package, stem, config).providers();
}

}  // namespace ufvideo
