#include "kv/kv_buffers.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error_message.h"
#include "tensor/device_memory.h"

namespace ufvideo {
namespace {

constexpr std::int64_t kBlockPositions = 256;
/// Buffers grow by an eighth at least: copying stays small beside computing what is copied.
constexpr std::int64_t kGrowthShare = 8;

/// Makes the system give the memory now: until it is touched it counts as free, and a second
/// session would be promised the same bytes.
void touch_pages(Tensor& buffer) {
  constexpr std::size_t kPageBytes = 4096;
  auto* bytes = static_cast<volatile char*>(buffer.raw());
  for (std::size_t at = 0; at < buffer.bytes(); at += kPageBytes) {
    bytes[at] = 0;
  }
}

/// A new buffer. On a device it is all zeros: kernels there may read what they then mask, and what
/// is no number would stay none when it is multiplied by zero.
Tensor new_buffer(const DevicePtr& device, DType dtype, Shape shape) {
  Tensor buffer = allocate_on(device, dtype, std::move(shape));
  if (!device) {
    touch_pages(buffer);
  } else {
    Tensor zeros(dtype, buffer.shape());
    std::memset(zeros.raw(), 0, zeros.bytes());
    copy_content(zeros, buffer);
  }
  return buffer;
}

/// The rows of `from` in buffers of another capacity.
Tensor grown(const DevicePtr& device, const Tensor& from, const std::vector<std::int64_t>& lengths,
             std::int64_t capacity) {
  Tensor to = new_buffer(device, from.dtype(), {from.dim(0), from.dim(1), capacity, from.dim(3)});
  for (std::size_t row = 0; row < lengths.size(); ++row) {
    const auto at = static_cast<std::int64_t>(row);
    copy_positions(from, at, to, at, lengths[row]);
  }
  return to;
}

}  // namespace

std::size_t KvCacheSizes::position_bytes() const {
  return std::size_t{2} * num_layers * num_key_value_heads * head_dim * dtype_bytes(dtype);
}

std::int64_t KvCacheSizes::in_blocks(std::int64_t needed) const {
  const std::int64_t blocks = (needed + kBlockPositions - 1) / kBlockPositions;
  return std::min(blocks * kBlockPositions, max_positions);
}

void copy_positions(const Tensor& from, std::int64_t from_row, const Tensor& to,
                    std::int64_t to_row, std::int64_t length) {
  if (length == 0) {
    return;
  }
  const std::int64_t num_heads = from.dim(1);
  const Tensor from_positions = from.reshaped({from.dim(0) * num_heads * from.dim(2), from.dim(3)});
  const Tensor to_positions = to.reshaped({to.dim(0) * num_heads * to.dim(2), to.dim(3)});
  for (std::int64_t head = 0; head < num_heads; ++head) {
    const std::int64_t from_first = (from_row * num_heads + head) * from.dim(2);
    const std::int64_t to_first = (to_row * num_heads + head) * to.dim(2);
    copy_content(from_positions.rows(from_first, from_first + length),
                 to_positions.rows(to_first, to_first + length));
  }
}

KvBuffers::KvBuffers(std::shared_ptr<const KvCacheSizes> sizes, std::int64_t num_rows,
                     std::shared_ptr<MemoryBudget> budget)
    : sizes_(std::move(sizes)),
      num_rows_(num_rows),
      // How much a device has free is not known: without a number for it, it refuses by itself.
      lease_(std::move(budget), MemoryKind::kKvCache, sizes_->device == nullptr) {
  clear();
}

std::size_t KvBuffers::bytes() const { return num_rows_ * capacity_ * sizes_->position_bytes(); }

std::size_t KvBuffers::growth_bytes(std::int64_t capacity) const {
  const std::size_t old_tensor_bytes = keys_.empty() ? 0 : keys_.back().bytes();
  return (capacity - capacity_) * num_rows_ * sizes_->position_bytes() + old_tensor_bytes;
}

void KvBuffers::clear() {
  const Tensor none(sizes_->dtype, {num_rows_, sizes_->num_key_value_heads, 0, sizes_->head_dim});
  keys_.assign(sizes_->num_layers, none);
  values_.assign(sizes_->num_layers, none);
  capacity_ = 0;
  lease_.shrink_to(0);
}

void KvBuffers::reserve(std::int64_t needed, const std::vector<std::int64_t>& lengths) {
  if (needed <= capacity_) {
    return;
  }
  const std::int64_t ahead =
      sizes_->in_blocks(std::max(needed, capacity_ + capacity_ / kGrowthShare));
  std::int64_t capacity = ahead;
  if (!lease_.try_grow(growth_bytes(ahead))) {
    capacity = sizes_->in_blocks(needed);
    lease_.grow(growth_bytes(capacity), {"KV cache", message("to grow to ", capacity, " positions"),
                                         "ask something shorter, or fewer at once"});
  }
  move_to(capacity, lengths);
  capacity_ = capacity;
  lease_.shrink_to(bytes());
}

void KvBuffers::drop_behind(const std::vector<std::int64_t>& lengths) {
  if (sizes_->device) {
    move_to(capacity_, lengths);
  }
}

void KvBuffers::move_to(std::int64_t capacity, const std::vector<std::int64_t>& lengths) {
  ++num_moves_;
  try {
    for (int layer = 0; layer < sizes_->num_layers; ++layer) {
      keys_[layer] = grown(sizes_->device, keys_[layer], lengths, capacity);
      values_[layer] = grown(sizes_->device, values_[layer], lengths, capacity);
    }
  } catch (...) {
    clear();
    throw;
  }
}

}  // namespace ufvideo
