#include "frames/mask_resize.h"

#include <algorithm>
#include <array>
#include <vector>

namespace ufvideo {
namespace {

/// Two neighbours and the weight of the second.
struct LinearTap {
  int first;
  int second;
  float weight;
};

/// PyTorch's bilinear positions with align_corners=False.
std::vector<LinearTap> linear_taps(int in_size, int out_size) {
  const float scale = static_cast<float>(in_size) / static_cast<float>(out_size);
  std::vector<LinearTap> taps(out_size);
  for (int out = 0; out < out_size; ++out) {
    const float position = std::max(scale * (static_cast<float>(out) + 0.5f) - 0.5f, 0.0f);
    const int first = std::min(static_cast<int>(position), in_size - 1);
    taps[out] = {first, std::min(first + 1, in_size - 1), position - static_cast<float>(first)};
  }
  return taps;
}

void resize_line(const std::vector<LinearTap>& taps, const float* in, float* out) {
  for (std::size_t i = 0; i < taps.size(); ++i) {
    out[i] = (1.0f - taps[i].weight) * in[taps[i].first] + taps[i].weight * in[taps[i].second];
  }
}

}  // namespace

void decode_mask(const float* logits, int side, int mask_size_px, int height, int width,
                 bool* out) {
  // Both steps are linear and separable: all horizontal work is done on the few low rows, and an
  // output row mixes at most four of them.
  const std::vector<LinearTap> enlarge = linear_taps(side, mask_size_px);
  const std::vector<LinearTap> to_width = linear_taps(mask_size_px, width);
  const std::vector<LinearTap> to_height = linear_taps(mask_size_px, height);
  std::vector<float> line(mask_size_px);
  std::vector<float> wide(static_cast<std::size_t>(side) * width);
  for (int row = 0; row < side; ++row) {
    resize_line(enlarge, logits + static_cast<std::size_t>(row) * side, line.data());
    resize_line(to_width, line.data(), &wide[static_cast<std::size_t>(row) * width]);
  }
  for (int y = 0; y < height; ++y) {
    const LinearTap outer = to_height[y];
    const LinearTap upper = enlarge[outer.first];
    const LinearTap lower = enlarge[outer.second];
    const std::array<const float*, 4> rows{&wide[static_cast<std::size_t>(upper.first) * width],
                                           &wide[static_cast<std::size_t>(upper.second) * width],
                                           &wide[static_cast<std::size_t>(lower.first) * width],
                                           &wide[static_cast<std::size_t>(lower.second) * width]};
    const float up = 1.0f - outer.weight;
    const float down = outer.weight;
    const std::array<float, 4> weights{up * (1.0f - upper.weight), up * upper.weight,
                                       down * (1.0f - lower.weight), down * lower.weight};
    bool* mask = out + static_cast<std::size_t>(y) * width;
    for (int x = 0; x < width; ++x) {
      mask[x] = weights[0] * rows[0][x] + weights[1] * rows[1][x] + weights[2] * rows[2][x] +
                    weights[3] * rows[3][x] >
                0.0f;
    }
  }
}

Tensor shrink_mask(const bool* mask, int height, int width, int rows, int columns) {
  const std::vector<LinearTap> vertical = linear_taps(height, rows);
  const std::vector<LinearTap> horizontal = linear_taps(width, columns);
  Tensor small(DType::kBool, {rows, columns});
  bool* out = small.data<bool>();
  // With weights of 0 or more the sum is above 0 where a neighbour of positive weight is set.
  const auto line_set = [&](int y, const LinearTap& x) {
    const bool* row = mask + static_cast<std::size_t>(y) * width;
    return (x.weight < 1.0f && row[x.first]) || (x.weight > 0.0f && row[x.second]);
  };
  for (const LinearTap& y : vertical) {
    for (const LinearTap& x : horizontal) {
      *out++ =
          (y.weight < 1.0f && line_set(y.first, x)) || (y.weight > 0.0f && line_set(y.second, x));
    }
  }
  return small;
}

}  // namespace ufvideo
