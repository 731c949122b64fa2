#include "kv/kv_budget.h"

#include <algorithm>
#include <utility>

#include "base/error_message.h"

namespace ufvideo {

KvBudget::KvBudget(std::optional<std::size_t> max_bytes, FreeMemory free_memory)
    : max_bytes_(max_bytes), free_memory_(std::move(free_memory)) {}

std::optional<std::size_t> KvBudget::room() const {
  if (max_bytes_) {
    return *max_bytes_ - std::min(*max_bytes_, held_);
  }
  const std::optional<std::size_t> free = free_memory_();
  return free ? std::optional{*free - std::min(*free / kReservedShare, kMaxReservedBytes)}
              : std::nullopt;
}

void KvBudget::require(std::size_t bytes, std::int64_t positions) const {
  const std::optional<std::size_t> left = room();
  if (!left || bytes <= *left) {
    return;
  }
  const std::string allowed = max_bytes_ ? message("kv_cache_bytes: ", *max_bytes_)
                                         : "the machine's free memory less a reserve";
  fail(ErrorCode::kOutOfMemory, "KV cache: expected at most ", *left, " bytes more (", allowed,
       "), asked for ", bytes, " to grow to ", positions, " positions, ", held_,
       " bytes are held; ask something shorter, or fewer at once");
}

}  // namespace ufvideo
