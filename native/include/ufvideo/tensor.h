#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace ufvideo {

/// Element types that cross a graph's border.
enum class DType { kUint8, kBool, kInt32, kInt64, kFloat16, kFloat32 };

/// Name as the manifest spells it, e.g. "float32".
const char* dtype_name(DType dtype);
/// Parses a manifest's dtype. Throws InvalidPackage for an unknown one.
DType parse_dtype(const std::string& name);
std::size_t dtype_bytes(DType dtype);

using Shape = std::vector<std::int64_t>;

/// "[2, 3, 4]", for messages.
std::string shape_string(const Shape& shape);
/// Number of elements. Throws InvalidInput on a negative dimension or overflow.
std::size_t shape_elements(const Shape& shape);

/// Memory of a device other than the host, where an execution provider keeps tensors.
class DeviceMemory;
using DevicePtr = std::shared_ptr<const DeviceMemory>;

/// A C-contiguous array, in host memory unless it says otherwise. Copies share the memory.
class Tensor {
 public:
  Tensor() = default;
  /// Allocates uninitialised memory.
  Tensor(DType dtype, Shape shape);
  /// Borrows memory that `owner` keeps alive (a null owner: the caller does); with a device, of the
  /// device.
  Tensor(DType dtype, Shape shape, void* data, std::shared_ptr<void> owner,
         DevicePtr device = nullptr);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t dim(std::size_t axis) const { return shape_.at(axis); }
  std::size_t elements() const { return elements_; }
  std::size_t bytes() const { return elements_ * dtype_bytes(dtype_); }
  bool empty() const { return elements_ == 0; }

  /// Where it lies; null: in host memory.
  const DevicePtr& device() const { return device_; }
  /// The same in host memory: itself, or a copy.
  Tensor on_host() const;
  /// Its address on its device, which only the device's provider can read.
  const void* address() const { return data_; }

  /// Throws InvalidInput when it is not in host memory.
  void* raw();
  const void* raw() const;
  /// Typed access. Throws InvalidInput when T is not the element type, or it is not in host memory.
  template <typename T>
  T* data();
  template <typename T>
  const T* data() const;

  /// Rows [begin, end) of the first axis, sharing the memory.
  Tensor rows(std::int64_t begin, std::int64_t end) const;
  /// The same memory under another shape of equal size.
  Tensor reshaped(Shape shape) const;

 private:
  DType dtype_ = DType::kFloat32;
  Shape shape_;
  std::size_t elements_ = 0;
  void* data_ = nullptr;
  std::shared_ptr<void> owner_;
  DevicePtr device_;
};

}  // namespace ufvideo
