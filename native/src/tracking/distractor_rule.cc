#include "tracking/distractor_rule.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace ufvideo {
namespace {

constexpr float kMinIouScore = 0.8f;
constexpr double kMaxAreaChange = 0.2;
constexpr std::size_t kNumAreas = 300;
constexpr std::int64_t kMinDistance = 5;
constexpr float kMaxBoxIou = 0.7f;

/// Rows and columns [top, bottom) x [left, right); empty where nothing was added.
struct Box {
  std::int64_t top = INT64_MAX;
  std::int64_t left = INT64_MAX;
  std::int64_t bottom = 0;
  std::int64_t right = 0;

  void add(std::int64_t row, std::int64_t column) {
    top = std::min(top, row);
    left = std::min(left, column);
    bottom = std::max(bottom, row + 1);
    right = std::max(right, column + 1);
  }
  std::int64_t area() const { return bottom == 0 ? 0 : (bottom - top) * (right - left); }
  /// The smallest box around both.
  Box joined(const Box& other) const {
    return {std::min(top, other.top), std::min(left, other.left), std::max(bottom, other.bottom),
            std::max(right, other.right)};
  }
};

/// Pixels of one candidate, by row.
std::vector<bool> foreground(const Tensor& logits, std::int64_t candidate) {
  const std::int64_t size = logits.dim(1) * logits.dim(2);
  const float* first = logits.data<float>() + candidate * size;
  std::vector<bool> mask(static_cast<std::size_t>(size));
  std::transform(first, first + size, mask.begin(), [](float logit) { return logit > 0.0f; });
  return mask;
}

std::int64_t num_pixels(const std::vector<bool>& mask) {
  return std::count(mask.begin(), mask.end(), true);
}

Box box_of(const std::vector<bool>& mask, std::int64_t width) {
  Box box;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (mask[i]) {
      box.add(static_cast<std::int64_t>(i) / width, static_cast<std::int64_t>(i) % width);
    }
  }
  return box;
}

/// A part of a mask whose pixels touch each other, also at their corners.
struct Part {
  std::int64_t num_pixels = 0;
  Box box;
};

/// Takes the part that pixel `first` belongs to out of the mask.
Part take_part(std::vector<bool>& mask, std::int64_t first, std::int64_t width) {
  const std::int64_t height = static_cast<std::int64_t>(mask.size()) / width;
  Part part;
  std::vector<std::int64_t> waiting{first};
  mask[first] = false;
  while (!waiting.empty()) {
    const std::int64_t row = waiting.back() / width;
    const std::int64_t column = waiting.back() % width;
    waiting.pop_back();
    ++part.num_pixels;
    part.box.add(row, column);
    for (std::int64_t y = std::max<std::int64_t>(row - 1, 0); y < std::min(row + 2, height); ++y) {
      for (std::int64_t x = std::max<std::int64_t>(column - 1, 0); x < std::min(column + 2, width);
           ++x) {
        if (mask[y * width + x]) {
          mask[y * width + x] = false;
          waiting.push_back(y * width + x);
        }
      }
    }
  }
  return part;
}

Part largest_part(std::vector<bool> mask, std::int64_t width) {
  Part largest;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (mask[i]) {
      const Part part = take_part(mask, static_cast<std::int64_t>(i), width);
      if (part.num_pixels > largest.num_pixels) {
        largest = part;
      }
    }
  }
  return largest;
}

}  // namespace

float rival_box_iou(const CandidateMasks& masks) {
  const std::int64_t width = masks.logits.dim(2);
  const std::vector<bool> taken = foreground(masks.logits, masks.taken);
  const Box own = box_of(taken, width);
  float smallest = 1.0f;
  for (std::int64_t candidate = 0; candidate < masks.logits.dim(0); ++candidate) {
    if (candidate == masks.taken) {
      continue;
    }
    std::vector<bool> outside = foreground(masks.logits, candidate);
    for (std::size_t i = 0; i < outside.size(); ++i) {
      outside[i] = outside[i] && !taken[i];
    }
    const Part rival = largest_part(std::move(outside), width);
    if (rival.num_pixels > 0) {
      // One box lies inside the other.
      const Box both = own.joined(rival.box);
      smallest = std::min(smallest, static_cast<float>(own.area()) / both.area());
    }
  }
  return smallest;
}

bool DistractorRule::is_reliable(float iou_score, std::int64_t area) const {
  if (iou_score <= kMinIouScore || area == 0 || areas_.size() < 2) {
    return false;
  }
  std::vector<std::int64_t> sorted(areas_.begin(), areas_.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t half = sorted.size() / 2;
  const double median =
      sorted.size() % 2 != 0 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2.0;
  return area >= (1.0 - kMaxAreaChange) * median && area <= (1.0 + kMaxAreaChange) * median;
}

bool DistractorRule::observe(const CandidateMasks& masks) {
  const std::int64_t position = num_frames_++;
  const std::int64_t area = num_pixels(foreground(masks.logits, masks.taken));
  if (area > 0) {
    areas_.push_back(area);
    if (areas_.size() > kNumAreas) {
      areas_.pop_front();
    }
  }
  const bool is_apart = !last_found_ || position - *last_found_ > kMinDistance;
  if (!is_apart || !is_reliable(masks.iou_score, area) || rival_box_iou(masks) > kMaxBoxIou) {
    return false;
  }
  last_found_ = position;
  return true;
}

}  // namespace ufvideo
