#pragma once

#include <vector>

#include "ufvideo/tensor.h"

struct OrtMemoryInfo;

namespace ufvideo {

/// Memory of a device, where its execution provider keeps what does not have to cross to the host.
class DeviceMemory {
 public:
  virtual ~DeviceMemory() = default;

  /// An uninitialised tensor on the device. Throws OutOfMemory.
  virtual Tensor allocate(DType dtype, Shape shape) const = 0;
  /// Copies bytes between tensors of equal size, each on this device or in host memory, and is done
  /// when it returns. Throws InferenceFailed or OutOfMemory.
  virtual void copy(const Tensor& from, const Tensor& to) const = 0;
  /// The device as ONNX Runtime knows it.
  virtual const OrtMemoryInfo* onnxruntime_memory() const = 0;
};

/// An uninitialised tensor on a device; null: in host memory. Throws OutOfMemory.
Tensor allocate_on(const DevicePtr& device, DType dtype, Shape shape);

/// For tests on a machine without a GPU: graphs on the CPU that are opened from now on keep tensors
/// on a "device", which is host memory that only ONNX Runtime touches.
void take_the_cpu_for_a_device(bool is_device);

/// Copies the content of a tensor into another one of equal size, wherever they lie.
void copy_content(const Tensor& from, Tensor to);

/// The tensor in memory of its own, where the tensor lies.
Tensor copied(const Tensor& tensor);

/// Joins tensors along the first axis, where the first one lies; a single one is returned as it is.
Tensor concatenated(const std::vector<Tensor>& parts);
/// The same on a device (null: in host memory), wherever the parts lie; there may be none.
///
/// @param shape of the whole.
Tensor concatenated_on(const DevicePtr& device, const std::vector<Tensor>& parts, DType dtype,
                       Shape shape);

}  // namespace ufvideo
