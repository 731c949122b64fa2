#include "ufvideo/stages/region_encoder.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "base/error_message.h"
#include "frames/mask_resize.h"
#include "ort/graph.h"

namespace ufvideo {
namespace {

/// Mean of the features [P, Dv] of one frame under its mask; docs/model.md, part 5.
void pool(const float* features, const bool* mask, std::int64_t num_patches, std::int64_t width,
          float* pooled) {
  std::fill(pooled, pooled + width, 0.0f);
  float count = 0.0f;
  for (std::int64_t patch = 0; patch < num_patches; ++patch) {
    if (mask[patch]) {
      count += 1.0f;
      const float* row = features + patch * width;
      for (std::int64_t i = 0; i < width; ++i) {
        pooled[i] += row[i];
      }
    }
  }
  for (std::int64_t i = 0; i < width; ++i) {
    pooled[i] /= count + 1e-8f;
  }
}

float cosine(const float* a, const float* b, std::int64_t width) {
  float dot = 0.0f;
  float norm_a = 0.0f;
  float norm_b = 0.0f;
  for (std::int64_t i = 0; i < width; ++i) {
    dot += a[i] * b[i];
    norm_a += a[i] * a[i];
    norm_b += b[i] * b[i];
  }
  constexpr float kTiny = 1e-8f;
  return dot / (std::max(std::sqrt(norm_a), kTiny) * std::max(std::sqrt(norm_b), kTiny));
}

/// Joins the most similar neighbours until at most `limit` rows are left, each the mean of a run.
Tensor merge(const Tensor& pooled, std::int64_t limit) {
  const std::int64_t count = pooled.dim(0);
  const std::int64_t width = pooled.dim(1);
  if (count <= limit) {
    return pooled;
  }
  const float* rows = pooled.data<float>();
  std::vector<float> similarity;
  for (std::int64_t i = 0; i + 1 < count; ++i) {
    similarity.push_back(cosine(rows + i * width, rows + (i + 1) * width, width));
  }
  // The smallest of the (count - limit) largest is the threshold; equal ones all join.
  std::vector<float> descending = similarity;
  std::sort(descending.begin(), descending.end(), std::greater<float>());
  const float threshold = descending[count - limit - 1];
  std::vector<std::int64_t> starts{0};
  for (std::int64_t i = 0; i + 1 < count; ++i) {
    if (similarity[i] < threshold) {
      starts.push_back(i + 1);
    }
  }
  starts.push_back(count);
  Tensor merged(DType::kFloat32, {static_cast<std::int64_t>(starts.size()) - 1, width});
  for (std::size_t run = 0; run + 1 < starts.size(); ++run) {
    float* mean = merged.data<float>() + static_cast<std::int64_t>(run) * width;
    std::fill(mean, mean + width, 0.0f);
    for (std::int64_t row = starts[run]; row < starts[run + 1]; ++row) {
      for (std::int64_t i = 0; i < width; ++i) {
        mean[i] += rows[row * width + i];
      }
    }
    for (std::int64_t i = 0; i < width; ++i) {
      mean[i] /= static_cast<float>(starts[run + 1] - starts[run]);
    }
  }
  return merged;
}

}  // namespace

RegionEncoder::RegionEncoder(const Package& package, const RuntimeConfig& config)
    : Stage(package, "region_encoder", single_threaded(config)),
      max_region_tokens_(package.manifest().model.max_region_tokens),
      patch_grid_(package.manifest().video.patch_grid) {}

Tensor RegionEncoder::encode(const Tensor& features, const Tensor& masks) const {
  const Shape& shape = features.shape();
  const std::int64_t num_patches = std::int64_t{patch_grid_} * patch_grid_;
  if (features.dtype() != DType::kFloat32 || shape.size() != 3 || shape[1] != num_patches) {
    fail(ErrorCode::kInvalidInput, "region_encoder: features: expected float32 [F, ", num_patches,
         ", Dv], got ", dtype_name(features.dtype()), " ", shape_string(shape));
  }
  if (masks.dtype() != DType::kBool || masks.shape().size() != 3 || masks.dim(0) != shape[0] ||
      masks.empty()) {
    fail(ErrorCode::kInvalidInput, "region_encoder: masks: expected bool [",
         std::max<std::int64_t>(shape[0], 1), ", H, W], one for each frame, got ",
         dtype_name(masks.dtype()), " ", shape_string(masks.shape()));
  }
  const int height = static_cast<int>(masks.dim(1));
  const int width = static_cast<int>(masks.dim(2));
  const Tensor on_host = features.on_host();
  Tensor pooled(DType::kFloat32, {shape[0], shape[2]});
  for (std::int64_t frame = 0; frame < shape[0]; ++frame) {
    const Tensor mask = shrink_mask(masks.data<bool>() + frame * height * width, height, width,
                                    patch_grid_, patch_grid_);
    pool(on_host.data<float>() + frame * num_patches * shape[2], mask.data<bool>(), num_patches,
         shape[2], pooled.data<float>() + frame * shape[2]);
  }
  return graph()
      .run({{"pooled_features", merge(pooled, max_region_tokens_)}}, {"region_tokens"})
      .front();
}

}  // namespace ufvideo
