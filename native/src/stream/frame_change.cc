#include "stream/frame_change.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "base/error_message.h"

namespace ufvideo {
namespace {

/// One of so many patches counts, and one at least.
constexpr std::size_t kCounted = 16;

double patch_change(const float* first, const float* second, std::size_t width) {
  double difference = 0.0;
  double sum = 0.0;
  for (std::size_t i = 0; i < width; ++i) {
    const double a = first[i];
    const double b = second[i];
    difference += (a - b) * (a - b);
    sum += a * a + b * b;
  }
  return sum > 0.0 ? difference / (2.0 * sum) : 0.0;
}

}  // namespace

double frame_change(const Tensor& first, const Tensor& second) {
  const Shape& shape = first.shape();
  if (shape != second.shape() || shape.size() < 2 || first.empty()) {
    fail(ErrorCode::kInvalidInput, "frame_change: expected features [P, Dv] of one shape, got ",
         shape_string(shape), " and ", shape_string(second.shape()));
  }
  const std::size_t width = static_cast<std::size_t>(shape.back());
  const std::size_t num_patches = first.elements() / width;
  const float* a = first.data<float>();
  const float* b = second.data<float>();
  std::vector<double> changes;
  changes.reserve(num_patches);
  for (std::size_t patch = 0; patch < num_patches; ++patch) {
    changes.push_back(patch_change(a + patch * width, b + patch * width, width));
  }
  const std::size_t num_counted = std::max<std::size_t>(num_patches / kCounted, 1);
  std::partial_sort(changes.begin(), changes.begin() + static_cast<std::ptrdiff_t>(num_counted),
                    changes.end(), std::greater<>());
  double total = 0.0;
  for (std::size_t i = 0; i < num_counted; ++i) {
    total += changes[i];
  }
  return std::min(total / static_cast<double>(num_counted), 1.0);
}

}  // namespace ufvideo
