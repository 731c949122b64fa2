#include "kv/held_tokens.h"

#include <algorithm>
#include <cstring>

namespace ufvideo {
namespace {

bool equal_bits(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

std::size_t num_equal(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
  const std::size_t most = std::min(a.size(), b.size());
  std::size_t count = 0;
  while (count < most && a[count] == b[count]) {
    ++count;
  }
  return count;
}

}  // namespace

HeldTokens::Shared HeldTokens::num_shared(const std::vector<std::int64_t>& ids,
                                          const std::vector<Tensor>& region_tokens,
                                          const std::vector<std::int64_t>& pair_ids) const {
  const std::size_t most = std::min(ids.size(), ids_.size());
  std::size_t region = 0;
  for (std::size_t i = 0; i < most; ++i) {
    if (ids[i] != ids_[i]) {
      return {i, 0};
    }
    if (ids[i] == video_id_ && pair_ids != pair_ids_) {
      return {i, num_equal(pair_ids, pair_ids_)};
    }
    if (ids[i] == region_id_) {
      if (region >= std::min(region_tokens.size(), region_tokens_.size()) ||
          !equal_bits(region_tokens[region], region_tokens_[region])) {
        return {i, 0};
      }
      ++region;
    }
  }
  return {most, 0};
}

std::optional<std::int64_t> HeldTokens::first_pair() const {
  return pair_ids_.empty() ? std::nullopt : std::optional<std::int64_t>(pair_ids_.front());
}

void HeldTokens::hold(const std::vector<std::int64_t>& ids,
                      const std::vector<Tensor>& region_tokens,
                      const std::vector<std::int64_t>& pair_ids) {
  ids_ = ids;
  region_tokens_ = region_tokens;
  pair_ids_ = pair_ids;
}

void HeldTokens::keep(std::size_t num_ids, std::size_t num_pairs) {
  ids_.resize(std::min(num_ids + (num_pairs == 0 ? 0 : 1), ids_.size()));
  if (num_pairs != 0) {
    pair_ids_.resize(num_pairs);
  } else if (std::find(ids_.begin(), ids_.end(), video_id_) == ids_.end()) {
    pair_ids_.clear();
  }
  const auto num_marks = static_cast<std::size_t>(std::count(ids_.begin(), ids_.end(), region_id_));
  region_tokens_.resize(std::min(num_marks, region_tokens_.size()));
}

}  // namespace ufvideo
