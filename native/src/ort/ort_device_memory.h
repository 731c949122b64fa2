#pragma once

#include <onnxruntime_cxx_api.h>

#include <memory>

#include "tensor/device_memory.h"

namespace ufvideo {

/// A device as one of ONNX Runtime's execution providers has it: memory of the provider's
/// allocator, copied by a graph that does nothing else, so that nothing here knows CUDA.
class OrtDeviceMemory : public DeviceMemory, public std::enable_shared_from_this<OrtDeviceMemory> {
 public:
  /// @param options with the provider as their only one.
  /// @param memory the provider's memory, for example "Cuda" and a device number.
  /// Throws Ort::Exception where the provider does not start.
  OrtDeviceMemory(Ort::Env& env, const Ort::SessionOptions& options, Ort::MemoryInfo memory);

  Tensor allocate(DType dtype, Shape shape) const override;
  void copy(const Tensor& from, const Tensor& to) const override;
  const OrtMemoryInfo* onnxruntime_memory() const override { return memory_; }

 private:
  Ort::MemoryInfo memory_;
  mutable Ort::Session session_;
  mutable Ort::Allocator allocator_;
};

/// Host memory as ONNX Runtime knows it.
const Ort::MemoryInfo& host_memory();

/// A tensor's memory, on whatever device, as bytes that ONNX Runtime may read and write.
Ort::Value value_over(const Tensor& tensor, const Shape& shape, ONNXTensorElementDataType type);

}  // namespace ufvideo
