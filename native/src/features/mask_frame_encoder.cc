#include "features/mask_frame_encoder.h"

#include <unordered_set>
#include <utility>

#include "base/stage_clock.h"
#include "features/frame_encoder.h"
#include "tensor/device_memory.h"

namespace ufvideo {
namespace {

/// The features in memory of their own: a frame would keep its whole batch, and also a single one
/// leave a hole in the arena of the graphs' outputs.
MaskFeatures own_features(const MaskFeatures& features) {
  return {copied(features.image_features), copied(features.high_res_features_0),
          copied(features.high_res_features_1)};
}

}  // namespace

MaskFrameEncoder::MaskFrameEncoder(const Model& model, std::shared_ptr<FeatureStore> store)
    : model_(model), store_(std::move(store)) {}

std::int64_t MaskFrameEncoder::num_frames_per_run() const {
  return frames_per_run(model_.mask_encoder(), model_.manifest().video.mask_size_px);
}

MaskFrameEncoder::Features MaskFrameEncoder::find(std::int64_t frame_idx,
                                                  std::uint64_t scan) const {
  return store_->find_mask(frame_idx, scan);
}

std::vector<MaskFrameEncoder::Features> MaskFrameEncoder::features_of(const FrameRange& range,
                                                                      std::uint64_t scan,
                                                                      StageTimings& timings) const {
  std::unordered_map<std::int64_t, Features> by_idx;
  std::unordered_set<std::int64_t> seen;
  std::vector<std::int64_t> missing;
  for (std::int64_t frame = range.first; frame < range.last; ++frame) {
    const std::int64_t idx = range.frame_idxs[frame];
    if (!seen.insert(idx).second) {
      continue;
    }
    if (Features kept = find(idx, scan)) {
      by_idx.emplace(idx, std::move(kept));
    } else {
      missing.push_back(frame);
    }
  }
  if (!missing.empty()) {
    encode(range, missing, scan, by_idx, timings);
  }
  std::vector<Features> features;
  for (std::int64_t frame = range.first; frame < range.last; ++frame) {
    features.push_back(by_idx.at(range.frame_idxs[frame]));
  }
  return features;
}

void MaskFrameEncoder::encode(const FrameRange& range, const std::vector<std::int64_t>& rows,
                              std::uint64_t scan,
                              std::unordered_map<std::int64_t, Features>& by_idx,
                              StageTimings& timings) const {
  const Tensor batch = resized_rows(range.frames, rows, model_.manifest().video.mask_size_px,
                                    resize_threads(model_.config()), timings);
  const MaskEncoder& encoder = model_.mask_encoder();
  const MaskFeatures encoded =
      timed(timings, encoder.stem(), batch.dim(0), [&] { return encoder.encode(batch); });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const MaskFeatures one = encoded.frame(static_cast<std::int64_t>(i));
    const std::int64_t idx = range.frame_idxs[rows[i]];
    by_idx.emplace(idx, store_->keep_mask(idx, own_features(one), scan));
  }
}

}  // namespace ufvideo
