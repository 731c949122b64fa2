#include "ort/ort_device_memory.h"

#include <mutex>
#include <shared_mutex>
#include <utility>

#include "base/error_message.h"
#include "ort/copy_model.h"
#include "ort/device_work.h"

namespace ufvideo {
namespace {

Ort::Session open_copy_model(Ort::Env& env, const Ort::SessionOptions& options) {
  const std::string model = copy_model();
  return {env, model.data(), model.size(), options};
}

Ort::Value as_bytes(const Tensor& tensor) {
  return value_over(tensor, {static_cast<std::int64_t>(tensor.bytes())},
                    ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8);
}

}  // namespace

const Ort::MemoryInfo& host_memory() {
  static const Ort::MemoryInfo memory =
      Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault);
  return memory;
}

Ort::Value value_over(const Tensor& tensor, const Shape& shape, ONNXTensorElementDataType type) {
  const OrtMemoryInfo* memory =
      tensor.device() ? tensor.device()->onnxruntime_memory() : host_memory();
  // ONNX Runtime takes no null pointer, not even for an empty tensor.
  static std::int64_t nothing = 0;
  void* data = const_cast<void*>(tensor.address());
  return Ort::Value::CreateTensor(memory, data == nullptr ? &nothing : data, tensor.bytes(),
                                  shape.data(), shape.size(), type);
}

OrtDeviceMemory::OrtDeviceMemory(Ort::Env& env, const Ort::SessionOptions& options,
                                 Ort::MemoryInfo memory)
    : memory_(std::move(memory)),
      session_(open_copy_model(env, options)),
      allocator_(session_, memory_) {}

Tensor OrtDeviceMemory::allocate(DType dtype, Shape shape) const {
  const std::size_t bytes = shape_elements(shape) * dtype_bytes(dtype);
  if (bytes == 0) {
    return {dtype, std::move(shape), nullptr, nullptr, shared_from_this()};
  }
  void* data = nullptr;
  const std::shared_lock<std::shared_mutex> beside(device_work());
  try {
    data = allocator_.Alloc(bytes);
  } catch (const Ort::Exception& error) {
    fail(ErrorCode::kOutOfMemory, "expected ", bytes, " free bytes on the device for a tensor of ",
         dtype_name(dtype), " ", shape_string(shape), ", ONNX Runtime said: ", error.what());
  }
  if (data == nullptr) {
    fail(ErrorCode::kOutOfMemory, "expected ", bytes, " free bytes on the device for a tensor of ",
         dtype_name(dtype), " ", shape_string(shape), ", it has none");
  }
  const std::shared_ptr<const OrtDeviceMemory> self = shared_from_this();
  std::shared_ptr<void> owner(data, [self](void* memory) { self->allocator_.Free(memory); });
  return {dtype, std::move(shape), data, std::move(owner), self};
}

void OrtDeviceMemory::copy(const Tensor& from, const Tensor& to) const {
  const char* in_name = kCopyInput;
  const char* out_name = kCopyOutput;
  const Ort::Value in = as_bytes(from);
  Ort::Value out = as_bytes(to);
  const std::shared_lock<std::shared_mutex> beside(device_work());
  try {
    session_.Run(Ort::RunOptions{nullptr}, &in_name, &in, 1, &out_name, &out, 1);
  } catch (const Ort::Exception& error) {
    const std::string what = error.what();
    fail(says_out_of_memory(what) ? ErrorCode::kOutOfMemory : ErrorCode::kInferenceFailed,
         "expected to copy ", from.bytes(),
         " bytes to or from the device, ONNX Runtime said: ", what);
  }
}

}  // namespace ufvideo
