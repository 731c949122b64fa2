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

/// Copies the content of a tensor into another one of equal size, wherever they lie.
void copy_content(const Tensor& from, Tensor to);

/// The tensor in memory of its own, where the tensor lies.
Tensor copied(const Tensor& tensor);

/// Joins tensors along the first axis, where the first one lies; a single one is returned as it is.
Tensor concatenated(const std::vector<Tensor>& parts);

}  // namespace ufvideo
