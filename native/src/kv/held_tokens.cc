#include "kv/held_tokens.h"

#include <algorithm>
#include <cstring>

namespace ufvideo {
namespace {

bool equal_bits(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

}  // namespace

std::size_t HeldTokens::num_shared(const std::vector<std::int64_t>& ids,
                                   const std::vector<Tensor>& region_tokens) const {
  const std::size_t most = std::min(ids.size(), ids_.size());
  std::size_t region = 0;
  for (std::size_t i = 0; i < most; ++i) {
    if (ids[i] != ids_[i]) {
      return i;
    }
    if (ids[i] == region_id_) {
      if (region >= std::min(region_tokens.size(), region_tokens_.size()) ||
          !equal_bits(region_tokens[region], region_tokens_[region])) {
        return i;
      }
      ++region;
    }
  }
  return most;
}

void HeldTokens::hold(const std::vector<std::int64_t>& ids,
                      const std::vector<Tensor>& region_tokens) {
  ids_ = ids;
  region_tokens_ = region_tokens;
}

void HeldTokens::keep(std::size_t num_ids) {
  ids_.resize(std::min(num_ids, ids_.size()));
  const auto num_marks = static_cast<std::size_t>(std::count(ids_.begin(), ids_.end(), region_id_));
  region_tokens_.resize(std::min(num_marks, region_tokens_.size()));
}

}  // namespace ufvideo
