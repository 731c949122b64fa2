#include "tensor/device_memory.h"

#include <cstring>
#include <utility>

#include "base/error_message.h"

namespace ufvideo {

Tensor allocate_on(const DevicePtr& device, DType dtype, Shape shape) {
  return device ? device->allocate(dtype, std::move(shape)) : Tensor(dtype, std::move(shape));
}

void copy_content(const Tensor& from, Tensor to) {
  if (from.bytes() != to.bytes()) {
    fail(ErrorCode::kInvalidInput, "expected tensors of equal size to copy, got ",
         shape_string(from.shape()), " and ", shape_string(to.shape()));
  }
  if (from.bytes() == 0) {
    return;
  }
  if (from.device()) {
    from.device()->copy(from, to);
  } else if (to.device()) {
    to.device()->copy(from, to);
  } else {
    std::memcpy(to.raw(), from.raw(), from.bytes());
  }
}

Tensor copied(const Tensor& tensor) {
  Tensor own = allocate_on(tensor.device(), tensor.dtype(), tensor.shape());
  copy_content(tensor, own);
  return own;
}

Tensor concatenated(const std::vector<Tensor>& parts) {
  if (parts.size() == 1) {
    return parts.front();
  }
  Shape shape = parts.front().shape();
  shape[0] = 0;
  for (const Tensor& part : parts) {
    shape[0] += part.dim(0);
  }
  return concatenated_on(parts.front().device(), parts, parts.front().dtype(), std::move(shape));
}

Tensor concatenated_on(const DevicePtr& device, const std::vector<Tensor>& parts, DType dtype,
                       Shape shape) {
  Tensor whole = allocate_on(device, dtype, std::move(shape));
  std::int64_t row = 0;
  for (const Tensor& part : parts) {
    copy_content(part, whole.rows(row, row + part.dim(0)));
    row += part.dim(0);
  }
  return whole;
}

Tensor Tensor::on_host() const {
  if (!device_) {
    return *this;
  }
  Tensor host(dtype_, shape_);
  copy_content(*this, host);
  return host;
}

}  // namespace ufvideo
