#include "package/graph_operators.h"

namespace ufvideo {

const std::set<std::string>& graph_operators() {
  static const std::set<std::string> operators{
      "Add",
      "ArgMax",
      "Cast",
      "Concat",
      "Conv",
      "ConvInteger",
      "ConvTranspose",
      "Cos",
      "DequantizeLinear",
      "Div",
      "DynamicQuantizeLinear",
      "Expand",
      "Gather",
      "GatherElements",
      "Gelu",
      "Gemm",
      "Greater",
      "LayerNormalization",
      "MatMul",
      "MatMulInteger",
      "MaxPool",
      "Mul",
      "Pad",
      "Pow",
      "QuantizeLinear",
      "Reciprocal",
      "ReduceMean",
      "Relu",
      "Reshape",
      "Resize",
      "Shape",
      "Sigmoid",
      "SimplifiedLayerNormalization",
      "Sin",
      "Slice",
      "Softmax",
      "Split",
      "Sqrt",
      "Squeeze",
      "Sub",
      "Tile",
      "Transpose",
      "Unsqueeze",
      "Where",
      "com.microsoft.GroupQueryAttention",
      "com.microsoft.MatMulNBits",
      "com.microsoft.SkipSimplifiedLayerNormalization",
  };
  return operators;
}

}  // namespace ufvideo
