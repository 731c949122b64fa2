#include "features/frame_encoder.h"

#include <algorithm>
#include <cstring>
#include <thread>
#include <unordered_set>
#include <utility>

#include "base/error_message.h"
#include "base/stage_clock.h"
#include "tensor/device_memory.h"
#include "ufvideo/resize.h"

namespace ufvideo {

std::int64_t frames_per_run(const Stage& encoder, int size_px) {
  return encoder.batches_frames() ? frames_per_batch(size_px) : 1;
}

void check_frames(const Tensor& frames, const std::vector<std::int64_t>& frame_idxs,
                  const char* where) {
  const Shape& shape = frames.shape();
  const bool fits = frames.dtype() == DType::kUint8 && shape.size() == 4 && shape[0] >= 1 &&
                    shape[1] >= 1 && shape[2] >= 1 && shape[3] == 3;
  if (!fits) {
    fail(ErrorCode::kInvalidInput, where,
         ": frames: expected uint8 [F, H, W, 3] of 1 or more, got ", dtype_name(frames.dtype()),
         " ", shape_string(shape));
  }
  if (static_cast<std::int64_t>(frame_idxs.size()) != shape[0]) {
    fail(ErrorCode::kInvalidInput, where, ": frame_idxs: expected ", shape[0],
         ", one for each frame, got ", frame_idxs.size());
  }
}

int resize_threads(const RuntimeConfig& config) {
  // Unknown is 0.
  const int all = std::max(static_cast<int>(std::thread::hardware_concurrency()), 1);
  return config.num_threads.value_or(all);
}

Tensor resized_rows(const Tensor& frames, const std::vector<std::int64_t>& rows, int size_px,
                    int num_threads, StageTimings& timings) {
  const auto count = static_cast<std::int64_t>(rows.size());
  return timed(timings, "resize", count, [&] {
    Tensor batch(DType::kUint8, {count, size_px, size_px, 3});
    for (std::int64_t begin = 0, end = 0; begin < count; begin = end) {
      // Rows that follow each other share the filters.
      for (end = begin + 1; end < count && rows[end] == rows[end - 1] + 1;) {
        ++end;
      }
      const Tensor resized = resize_bicubic(frames.rows(rows[begin], rows[end - 1] + 1), size_px,
                                            size_px, {num_threads});
      std::memcpy(batch.rows(begin, end).raw(), resized.raw(), resized.bytes());
    }
    return batch;
  });
}

FrameEncoder::FrameEncoder(const Model& model, std::shared_ptr<FeatureStore> store)
    : model_(model), store_(std::move(store)) {}

FrameEncoder::~FrameEncoder() { unpin(clip_features_); }

void FrameEncoder::unpin(const FeaturesByIdx& features) {
  const std::uint64_t scan = store_->begin_scan();
  for (const auto& [idx, pinned] : features) {
    store_->unpin_vision(idx, pinned, scan);
  }
}

void FrameEncoder::begin_clip(const std::vector<std::int64_t>& frame_idxs) {
  FeaturesByIdx found;
  for (const std::int64_t idx : frame_idxs) {
    if (auto features = store_->pin_vision(idx)) {
      found.emplace(idx, std::move(features));
    }
  }
  std::swap(clip_features_, found);
  unpin(found);
}

void FrameEncoder::encode_clip(const Tensor& frames, const std::vector<std::int64_t>& frame_idxs,
                               StageTimings& timings, const std::function<void()>& on_frame) {
  std::vector<std::int64_t> rows;
  std::unordered_set<std::int64_t> seen;
  for (std::size_t row = 0; row < frame_idxs.size(); ++row) {
    if (!in_clip(frame_idxs[row]) && seen.insert(frame_idxs[row]).second) {
      rows.push_back(static_cast<std::int64_t>(row));
    }
  }
  encode_rows(
      frames, frame_idxs, rows, timings,
      [&](std::int64_t idx, Tensor features) {
        clip_features_.emplace(idx, store_->pin_vision(idx, std::move(features)));
        on_frame();
      },
      [] { return false; });
}

FrameEncoder::FeaturesByIdx FrameEncoder::held_region_features(const Prompt& prompt,
                                                               std::uint64_t scan) {
  FeaturesByIdx found;
  for (const RegionPrompt& region : prompt.regions) {
    for (const std::int64_t idx : region.frame_idxs) {
      const auto in_clip = clip_features_.find(idx);
      if (in_clip != clip_features_.end()) {
        found.emplace(idx, in_clip->second);
      } else if (auto held = store_->find_vision(idx, scan)) {
        found.emplace(idx, std::move(held));
      }
    }
  }
  return found;
}

FrameEncoder::FeaturesByIdx FrameEncoder::encode_region_frames(
    const Prompt& prompt, StageTimings& timings, const std::function<bool()>& stopped) {
  const std::uint64_t scan = store_->begin_scan();
  FeaturesByIdx by_idx = held_region_features(prompt, scan);
  std::unordered_map<std::int64_t, std::int64_t> row_of;
  for (std::size_t row = 0; row < prompt.region_frame_idxs.size(); ++row) {
    row_of.emplace(prompt.region_frame_idxs[row], static_cast<std::int64_t>(row));
  }
  std::vector<std::int64_t> rows;
  std::unordered_set<std::int64_t> seen;
  for (const RegionPrompt& region : prompt.regions) {
    for (const std::int64_t idx : region.frame_idxs) {
      if (by_idx.count(idx) != 0 || !seen.insert(idx).second) {
        continue;
      }
      const auto given = row_of.find(idx);
      if (given == row_of.end()) {
        fail(ErrorCode::kInvalidInput, "prompt: region_frames: expected frame ", idx,
             " of a region, which no features are held of, got none of that index");
      }
      rows.push_back(given->second);
    }
  }
  encode_rows(
      prompt.region_frames, prompt.region_frame_idxs, rows, timings,
      [&](std::int64_t idx, Tensor features) {
        by_idx.emplace(idx, store_->keep_vision(idx, std::move(features), scan));
      },
      stopped);
  return by_idx;
}

void FrameEncoder::encode_rows(const Tensor& frames, const std::vector<std::int64_t>& frame_idxs,
                               const std::vector<std::int64_t>& rows, StageTimings& timings,
                               const Keep& keep, const std::function<bool()>& stopped) const {
  const int size_px = model_.manifest().video.vision_size_px;
  const auto step = static_cast<std::size_t>(frames_per_run(model_.vision_encoder(), size_px));
  for (std::size_t begin = 0; begin < rows.size() && !stopped(); begin += step) {
    const std::vector<std::int64_t> batch_rows(rows.begin() + begin,
                                               rows.begin() + std::min(begin + step, rows.size()));
    const Tensor batch =
        resized_rows(frames, batch_rows, size_px, resize_threads(model_.config()), timings);
    const VisionEncoder& encoder = model_.vision_encoder();
    const Tensor features =
        timed(timings, encoder.stem(), batch.dim(0), [&] { return encoder.encode(batch); });
    for (std::size_t i = 0; i < batch_rows.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i);
      // A row would keep its batch, and leave holes in the arena of the graphs' outputs.
      keep(frame_idxs[batch_rows[i]], copied(features.rows(row, row + 1)));
    }
  }
}

Tensor FrameEncoder::align(std::vector<std::int64_t> idxs, bool is_image,
                           StageTimings& timings) const {
  const VideoConfig& video = model_.manifest().video;
  if (is_image) {
    idxs.assign(video.num_frames, idxs.front());
  }
  const auto align_some = [&](std::size_t begin, std::size_t end) {
    std::vector<Tensor> some;
    for (std::size_t i = begin; i < end; ++i) {
      some.push_back(*clip_features_.at(idxs[i]));
    }
    const auto num_frames = static_cast<std::int64_t>(some.size());
    const Tensor tokens = timed(timings, model_.aligner().stem(), num_frames,
                                [&] { return model_.aligner().align(concatenated(some)); });
    if (tokens.dim(0) != num_video_tokens(video, num_frames)) {
      fail(ErrorCode::kInvalidPackage, "aligner: video_tokens: expected ",
           num_video_tokens(video, num_frames), " tokens of ", num_frames,
           " frames (by patch_grid and aligner_padding), the graph gave ", tokens.dim(0));
    }
    return tokens;
  };
  if (video.aligner_padding != 0) {
    return align_some(0, idxs.size());
  }
  std::vector<Tensor> parts;
  if (is_image) {
    // Every pair of one repeated frame gives the same tokens (docs/model.md, part 8).
    parts.assign(idxs.size() / 2, align_some(0, 2));
    return concatenated(parts);
  }
  const std::size_t paired = idxs.size() / 2 * 2;
  const std::size_t step = model_.aligner().batches_frames() ? kFramesPerAlignment : 2;
  for (std::size_t begin = 0; begin < paired; begin += step) {
    parts.push_back(align_some(begin, std::min(begin + step, paired)));
  }
  return concatenated(parts);
}

Tensor FrameEncoder::clip_features(const std::vector<std::int64_t>& frame_idxs) const {
  std::vector<Tensor> rows;
  for (const std::int64_t idx : frame_idxs) {
    rows.push_back(*clip_features_.at(idx));
  }
  return concatenated(rows).on_host();
}

void FrameEncoder::restore_clip(const Tensor& features,
                                const std::vector<std::int64_t>& frame_idxs) {
  for (std::size_t i = 0; i < frame_idxs.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    if (!in_clip(frame_idxs[i])) {
      Tensor own = copied(features.rows(row, row + 1));
      clip_features_.emplace(frame_idxs[i], store_->pin_vision(frame_idxs[i], std::move(own)));
    }
  }
}

}  // namespace ufvideo
