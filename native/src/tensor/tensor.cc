#include "ufvideo/tensor.h"

#include <array>
#include <limits>
#include <utility>

#include "base/error_message.h"
#include "tensor/host_memory.h"

namespace ufvideo {
namespace {

struct DTypeFacts {
  DType dtype;
  const char* name;
  std::size_t bytes;
};

constexpr std::array<DTypeFacts, 6> kDTypes{{
    {DType::kUint8, "uint8", 1},
    {DType::kBool, "bool", 1},
    {DType::kInt32, "int32", 4},
    {DType::kInt64, "int64", 8},
    {DType::kFloat16, "float16", 2},
    {DType::kFloat32, "float32", 4},
}};

const DTypeFacts& facts_of(DType dtype) { return kDTypes.at(static_cast<std::size_t>(dtype)); }

/// float16 is read as its 16 bits.
template <typename T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<std::uint8_t>() {
  return DType::kUint8;
}
template <>
constexpr DType dtype_of<bool>() {
  return DType::kBool;
}
template <>
constexpr DType dtype_of<std::int32_t>() {
  return DType::kInt32;
}
template <>
constexpr DType dtype_of<std::int64_t>() {
  return DType::kInt64;
}
template <>
constexpr DType dtype_of<std::uint16_t>() {
  return DType::kFloat16;
}
template <>
constexpr DType dtype_of<float>() {
  return DType::kFloat32;
}

std::shared_ptr<void> allocate(std::size_t bytes, DType dtype, const Shape& shape) {
  if (bytes == 0) {
    return nullptr;
  }
  if (std::shared_ptr<void> memory = allocate_host_memory(bytes)) {
    return memory;
  }
  fail(ErrorCode::kOutOfMemory, "expected ", bytes, " free bytes for a tensor of ",
       dtype_name(dtype), " ", shape_string(shape), ", the system has none");
}

}  // namespace

const char* dtype_name(DType dtype) { return facts_of(dtype).name; }

DType parse_dtype(const std::string& name) {
  for (const DTypeFacts& facts : kDTypes) {
    if (name == facts.name) {
      return facts.dtype;
    }
  }
  fail(ErrorCode::kInvalidPackage,
       "expected a dtype of uint8, bool, int32, int64, float16, float32, got \"", name, "\"");
}

std::size_t dtype_bytes(DType dtype) { return facts_of(dtype).bytes; }

std::string shape_string(const Shape& shape) {
  std::string text = "[";
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    text += (axis == 0 ? "" : ", ") + std::to_string(shape[axis]);
  }
  return text + "]";
}

std::size_t shape_elements(const Shape& shape) {
  // The bytes of the widest dtype fit into size_t too.
  constexpr std::size_t kLimit = std::numeric_limits<std::size_t>::max() / 8;
  std::size_t elements = 1;
  bool any_zero = false;
  for (const std::int64_t dim : shape) {
    if (dim < 0) {
      fail(ErrorCode::kInvalidInput, "expected dimensions of 0 or more, got shape ",
           shape_string(shape));
    }
    any_zero = any_zero || dim == 0;
  }
  if (any_zero) {
    return 0;
  }
  for (const std::int64_t dim : shape) {
    if (elements > kLimit / static_cast<std::size_t>(dim)) {
      fail(ErrorCode::kInvalidInput, "expected at most ", kLimit, " elements, got shape ",
           shape_string(shape));
    }
    elements *= static_cast<std::size_t>(dim);
  }
  return elements;
}

Tensor::Tensor(DType dtype, Shape shape)
    : dtype_(dtype), shape_(std::move(shape)), elements_(shape_elements(shape_)) {
  owner_ = allocate(bytes(), dtype_, shape_);
  data_ = owner_.get();
}

Tensor::Tensor(DType dtype, Shape shape, void* data, std::shared_ptr<void> owner, DevicePtr device)
    : dtype_(dtype),
      shape_(std::move(shape)),
      elements_(shape_elements(shape_)),
      data_(data),
      owner_(std::move(owner)),
      device_(std::move(device)) {
  if (data_ == nullptr && elements_ != 0) {
    fail(ErrorCode::kInvalidInput, "expected memory for a tensor of ", dtype_name(dtype_), " ",
         shape_string(shape_), ", got a null pointer");
  }
}

const void* Tensor::raw() const {
  if (device_) {
    fail(ErrorCode::kInvalidInput, "expected a tensor in host memory, got ", dtype_name(dtype_),
         " ", shape_string(shape_), " on a device");
  }
  return data_;
}

void* Tensor::raw() { return const_cast<void*>(std::as_const(*this).raw()); }

template <typename T>
T* Tensor::data() {
  return const_cast<T*>(std::as_const(*this).data<T>());
}

template <typename T>
const T* Tensor::data() const {
  if (dtype_of<T>() != dtype_) {
    fail(ErrorCode::kInvalidInput, "expected a tensor of ", dtype_name(dtype_of<T>()), ", got ",
         dtype_name(dtype_), " ", shape_string(shape_));
  }
  return static_cast<const T*>(raw());
}

Tensor Tensor::rows(std::int64_t begin, std::int64_t end) const {
  if (shape_.empty() || begin < 0 || begin > end || end > shape_[0]) {
    fail(ErrorCode::kInvalidInput, "expected rows within the first axis of shape ",
         shape_string(shape_), ", got [", begin, ", ", end, ")");
  }
  Shape shape = shape_;
  shape[0] = end - begin;
  const std::size_t row_bytes = shape_[0] == 0 ? 0 : bytes() / static_cast<std::size_t>(shape_[0]);
  auto* first = static_cast<std::byte*>(data_);
  if (first != nullptr) {
    first += row_bytes * static_cast<std::size_t>(begin);
  }
  return Tensor(dtype_, std::move(shape), first, owner_, device_);
}

Tensor Tensor::reshaped(Shape shape) const {
  if (shape_elements(shape) != elements_) {
    fail(ErrorCode::kInvalidInput, "expected a shape of ", elements_, " elements as ",
         shape_string(shape_), " has, got ", shape_string(shape));
  }
  return Tensor(dtype_, std::move(shape), data_, owner_, device_);
}

// NOLINTBEGIN(bugprone-macro-parentheses): a type takes none.
#define UFVIDEO_INSTANTIATE(T) \
  template T* Tensor::data();  \
  template const T* Tensor::data() const;
UFVIDEO_INSTANTIATE(std::uint8_t)
UFVIDEO_INSTANTIATE(bool)
UFVIDEO_INSTANTIATE(std::int32_t)
UFVIDEO_INSTANTIATE(std::int64_t)
UFVIDEO_INSTANTIATE(std::uint16_t)
UFVIDEO_INSTANTIATE(float)
#undef UFVIDEO_INSTANTIATE
// NOLINTEND(bugprone-macro-parentheses)

}  // namespace ufvideo
