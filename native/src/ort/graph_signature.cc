#include "ort/graph_signature.h"

#include "base/error_message.h"
#include "package/tensor_check.h"

namespace ufvideo {
namespace {

/// Whether a graph's declared dimensions (-1: symbolic) contradict the manifest's. A graph may say
/// less than the manifest (what it gives is checked after each run), but not fix what may vary.
bool contradicts(const TensorSpec& spec, const Shape& declared) {
  if (declared.size() != spec.shape.size()) {
    return true;
  }
  for (std::size_t axis = 0; axis < declared.size(); ++axis) {
    const auto* number = std::get_if<std::int64_t>(&spec.shape[axis]);
    if (declared[axis] >= 0 && (number == nullptr || declared[axis] != *number)) {
      return true;
    }
  }
  return false;
}

}  // namespace

ONNXTensorElementDataType element_type(DType dtype) {
  switch (dtype) {
    case DType::kUint8:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8;
    case DType::kBool:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL;
    case DType::kInt32:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32;
    case DType::kInt64:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64;
    case DType::kFloat16:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16;
    case DType::kFloat32:
      break;
  }
  return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
}

void check_border(const Ort::Session& session, const std::string& stage, bool inputs,
                  const Border& border) {
  const char* side = inputs ? "input" : "output";
  const std::size_t count = inputs ? session.GetInputCount() : session.GetOutputCount();
  if (count != border.size()) {
    fail(ErrorCode::kInvalidPackage, stage, ": the manifest says ", border.size(), " ", side,
         "s, the graph has ", count);
  }
  const Ort::AllocatorWithDefaultOptions allocator;
  for (std::size_t i = 0; i < count; ++i) {
    const auto name = inputs ? session.GetInputNameAllocated(i, allocator)
                             : session.GetOutputNameAllocated(i, allocator);
    const Border::Place* place = border.find(name.get());
    if (place == nullptr) {
      fail(ErrorCode::kInvalidPackage, stage, ": the graph's ", side, " ", name.get(),
           " is not in the manifest");
    }
    const TensorSpec* spec = place->spec;
    const Ort::TypeInfo type = inputs ? session.GetInputTypeInfo(i) : session.GetOutputTypeInfo(i);
    if (type.GetONNXType() != ONNX_TYPE_TENSOR) {
      fail(ErrorCode::kInvalidPackage, stage, ": ", side, " ", spec->name,
           ": expected a tensor, the graph has another kind of value");
    }
    const auto tensor = type.GetTensorTypeAndShapeInfo();
    if (tensor.GetElementType() != element_type(place->dtype)) {
      fail(ErrorCode::kInvalidPackage, stage, ": ", side, " ", spec->name,
           ": the manifest says dtype ", spec->dtype, ", the graph has ONNX element type ",
           tensor.GetElementType());
    }
    if (contradicts(*spec, tensor.GetShape())) {
      fail(ErrorCode::kInvalidPackage, stage, ": ", side, " ", spec->name,
           ": the manifest says shape ", spec_shape_string(*spec), ", the graph has ",
           shape_string(tensor.GetShape()), " (-1: any)");
    }
  }
}

}  // namespace ufvideo
