#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ufvideo {

/// Element types of onnx.proto3 (TensorProto.DataType) that weights have.
enum class OnnxType {
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kInt64 = 7,
  kFloat16 = 10,
  kUint4 = 21,
  kInt4 = 22
};

/// What the checks of a package need to know of an ONNX file.
struct GraphFile {
  struct Node {
    /// "MatMul", or "com.microsoft.MatMulNBits" outside the default domain.
    std::string op_type;
    std::vector<std::string> inputs;
    /// Attribute `bits` of MatMulNBits; 4, its default, where it is not there.
    std::int64_t bits = 4;
    /// Pads, strides, dilations and kernel sizes of convolutions and pooling.
    std::vector<std::int64_t> window;
  };
  /// Where a tensor's bytes lie in another file.
  struct External {
    std::string location;
    std::uint64_t offset_bytes = 0;
    std::uint64_t length_bytes = 0;
  };
  struct Weight {
    std::string name;
    std::int64_t type = 0;
    std::vector<std::int64_t> shape;
    /// Values of a few 64-bit integers, or of a few floats: shapes, axes and scales. More are
    /// empty.
    std::vector<std::int64_t> integers;
    std::vector<float> floats;
  };

  std::vector<Node> nodes;
  std::vector<Weight> weights;
  std::vector<External> external;
};

/// Reads an ONNX file strictly. A field that the exporter does not write is InvalidPackage, and so
/// is one that stands twice where onnx.proto3 has it once: what is not understood here, ONNX
/// Runtime could understand. So there are no subgraphs, functions, sparse tensors, and no tensors
/// but the graph's initializers.
GraphFile read_graph_file(const std::filesystem::path& path);

}  // namespace ufvideo
