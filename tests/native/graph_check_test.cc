#include "package/graph_check.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "error_expectation.h"
#include "package/graph_file.h"
#include "package/graph_operators.h"
#include "protobuf_text.h"
#include "temporary_folder.h"

namespace ufvideo {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFloat = 1;
constexpr std::uint64_t kUint8 = 2;
constexpr std::uint64_t kInt64 = 7;
constexpr std::uint64_t kFloat16 = 10;

std::string entry(const std::string& key, const std::string& value) {
  return field(13, field(1, key) + field(2, value));
}

std::string weight(const std::string& name, std::uint64_t type, std::uint64_t rows,
                   const std::string& rest = "") {
  return field(5, number_field(1, rows) + number_field(1, 2) + number_field(2, type) +
                      field(8, name) + rest);
}

std::string node(const std::string& op_type, const std::string& domain = "",
                 const std::string& rest = "") {
  return field(1, field(1, "a") + field(2, "b") + field(4, op_type) +
                      (domain.empty() ? "" : field(7, domain)) + rest);
}

std::string block_product(std::uint64_t bits) {
  return node("MatMulNBits", "com.microsoft",
              field(5, field(1, "bits") + number_field(3, bits) + number_field(20, 2)));
}

std::string attention(const std::string& cosines, const std::string& sines) {
  std::string inputs;
  for (const char* name : {"q", "k", "v", "pk", "pv", "l", "t"}) inputs += field(1, name);
  inputs += field(1, cosines) + field(1, sines);
  return field(1, inputs + field(4, "GroupQueryAttention") + field(7, "com.microsoft"));
}

std::string model(const std::string& graph) {
  return number_field(1, 10) + field(7, graph) + field(8, field(1, "") + number_field(2, 20));
}

/// A package of which one graph is written by the test.
class GraphCheckTest : public testing::Test {
 protected:
  GraphCheckTest() {
    const fs::path small = fs::path(UFVIDEO_TEST_DATA_DIR) / "manifests" / "valid" / "small.json";
    std::ifstream stream(small);
    manifest = nlohmann::json::parse(stream);
    for (auto& [stem, stage] : manifest["stages"].items()) put(stage["graph"], model(""));
    for (auto& file : manifest["files"]) put(file, "x");
  }

  /// Writes the file that an entry names and makes the entry true.
  void put(nlohmann::json& entry, const std::string& bytes) {
    const std::string name = entry["path"];
    folder.write(name, bytes);
    entry["size_bytes"] = bytes.size();
    entry["sha256"] = sha256_file(folder.path() / name);
  }

  void put_graph(const std::string& bytes, const std::string& stem = "aligner") {
    put(manifest["stages"][stem]["graph"], bytes);
  }

  void put_weights(const std::string& path, const std::string& bytes) {
    nlohmann::json weights{{"path", path}};
    put(weights, bytes);
    manifest["stages"]["aligner"]["weights"] = weights;
  }

  void check(const std::string& stem = "aligner") {
    folder.write("manifest.json", manifest.dump());
    check_graph(Package::open(folder.path(), true), stem);
  }

  void expect_refused(const std::vector<std::string>& texts, const std::string& stem = "aligner") {
    expect_error(ErrorCode::kInvalidPackage, texts, [&] { check(stem); });
  }

  TemporaryFolder folder;
  nlohmann::json manifest;
};

TEST_F(GraphCheckTest, TakesWhatTheExporterWrites) {
  put_graph(model(node("Conv") + node("MatMul") + weight("w", kFloat, 3)));
  EXPECT_NO_THROW(check());
}

TEST_F(GraphCheckTest, ReadsNodesAndWeights) {
  folder.write("graph.onnx", model(block_product(8) + weight("w", kUint8, 300)));
  const GraphFile graph = read_graph_file(folder.path() / "graph.onnx");
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.nodes[0].op_type, "com.microsoft.MatMulNBits");
  EXPECT_EQ(graph.nodes[0].bits, 8);
  EXPECT_EQ(graph.nodes[0].inputs, (std::vector<std::string>{"a"}));
  ASSERT_EQ(graph.weights.size(), 1u);
  EXPECT_EQ(graph.weights[0].name, "w");
  EXPECT_EQ(graph.weights[0].shape, (std::vector<std::int64_t>{300, 2}));
}

TEST_F(GraphCheckTest, RefusesOperatorsThatTheExporterDoesNotWrite) {
  const std::vector<std::pair<std::string, std::string>> others{
      {"Loop", ""},       {"Scan", ""},
      {"If", ""},         {"EPContext", "com.microsoft"},
      {"Constant", ""},   {"ConstantOfShape", ""},
      {"MatMul", "x"},    {"Add", "ai.onnx.ml"},
      {"MatMulNBits", ""}};
  for (const auto& [op_type, domain] : others) {
    SCOPED_TRACE(op_type);
    put_graph(model(node(op_type, domain)));
    expect_refused({"aligner.onnx", "operators that `ufvideo export` writes", op_type});
    EXPECT_EQ(graph_operators().count(domain.empty() ? op_type : domain + "." + op_type), 0u);
  }
}

TEST_F(GraphCheckTest, RefusesFieldsThatTheExporterDoesNotWrite) {
  const std::string tensor = number_field(2, kFloat) + field(8, "w");
  const std::vector<std::pair<std::string, std::string>> others{
      {"ModelProto", model("") + field(20, "")},                             // training
      {"ModelProto", model("") + field(25, "")},                             // a function
      {"ModelProto", model("") + field(14, field(1, "a") + field(2, "b"))},  // metadata
      {"ModelProto", model("") + field(99, "")},
      {"ModelProto", model("") + number_field(7, 1)},  // a wire type
      {"GraphProto", model(field(15, ""))},            // a sparse tensor
      {"NodeProto", model(node("Add", "", field(8, "overload")))},
      {"AttributeProto", model(node("Add", "", field(5, field(5, tensor))))},
      {"AttributeProto", model(node("Add", "", field(5, field(6, ""))))},  // a graph
      {"AttributeProto", model(node("Add", "", field(5, field(10, tensor))))},
      {"AttributeProto", model(node("Add", "", field(5, field(11, ""))))},
      {"AttributeProto", model(node("Add", "", field(5, field(22, ""))))},
      {"AttributeProto", model(node("Add", "", field(5, field(21, "x"))))},
      {"TensorProto", model(weight("w", kFloat, 3, field(3, "")))},  // a segment
      {"TensorProto", model(weight("w", kFloat, 3, number_field(13, 1)))},
  };
  for (const auto& [message, bytes] : others) {
    SCOPED_TRACE(message);
    put_graph(bytes);
    expect_refused({"aligner.onnx", message});
  }
}

TEST_F(GraphCheckTest, RefusesTwiceWhatStandsOnce) {
  put_graph(model("") + field(7, node("Loop")));
  expect_refused({"field 7 of ModelProto once"});
  put_graph(model(field(1, field(4, "Loop") + field(4, "Add"))));
  expect_refused({"field 4 of NodeProto once"});
}

TEST_F(GraphCheckTest, RefusesWhatIsNoProtocolBuffer) {
  for (const std::string& bytes : {std::string("\x3a\x7f", 2), std::string("\x3b\x01", 2),
                                   std::string(16, '\xff'), std::string(8, '\0')}) {
    put_graph(bytes);
    expect_refused({"aligner.onnx"});
  }
  // ONNX Runtime's own format, which it would know by these letters.
  put_graph(std::string("\x18\0\0\0ORTM", 8) + std::string(64, '\0'));
  expect_refused({"aligner.onnx"});
}

TEST_F(GraphCheckTest, TakesTheListedWeights) {
  put_weights("aligner.onnx.data", std::string(64, 'x'));
  put_graph(model(weight("w", kFloat, 3,
                         entry("location", "aligner.onnx.data") + entry("offset", "40") +
                             entry("length", "24") + number_field(14, 1))));
  EXPECT_NO_THROW(check());
}

TEST_F(GraphCheckTest, RefusesWeightsInAnotherFile) {
  TemporaryFolder outside;
  outside.write("secret", "x");
  folder.write("inside.bin", "x");
  put_weights("aligner.onnx.data", std::string(64, 'x'));
  for (const std::string& location :
       {std::string("../secret"), (outside.path() / "secret").string(), std::string("inside.bin"),
        std::string("tokenizer.json"), std::string("./aligner.onnx.data"),
        (folder.path() / "aligner.onnx.data").string(), std::string("x/../aligner.onnx.data"),
        std::string("aligner.onnx.data\0", 18), std::string("*/_ORT_MEM_ADDR_/*"), std::string()}) {
    SCOPED_TRACE(location);
    put_graph(model(weight("w", kFloat, 3, entry("location", location))));
    expect_refused({"aligner.onnx", "expected weights in aligner.onnx.data"});
  }
  manifest["stages"]["aligner"]["weights"] = nullptr;
  put_graph(model(weight("w", kFloat, 3, entry("location", "aligner.onnx.data"))));
  expect_refused({"expected weights in the graph itself"});
  put_graph(model(weight("w", kFloat, 3, number_field(14, 1))));
  expect_refused({"expected weights in the graph itself"});
}

TEST_F(GraphCheckTest, RefusesALocationThatAnotherFieldHides) {
  put_weights("aligner.onnx.data", std::string(64, 'x'));
  const std::string key = field(1, "location");
  const std::string hidden = key + field(2, "../secret") + field(3, "aligner.onnx.data");
  put_graph(model(weight("w", kFloat, 3, field(13, hidden))));
  expect_refused({"StringStringEntryProto", "field 3"});
  put_graph(model(weight("w", kFloat, 3,
                         field(13, key + field(2, "../secret") + field(2, "aligner.onnx.data")))));
  expect_refused({"StringStringEntryProto once"});
  put_graph(model(weight("w", kFloat, 3,
                         entry("location", "../secret") + entry("location", "aligner.onnx.data"))));
  expect_refused({"location of external data once"});
  put_graph(model(weight("w", kFloat, 3, entry("basepath", "/"))));
  expect_refused({"external data", "basepath"});
}

TEST_F(GraphCheckTest, RefusesWeightsBeyondTheFile) {
  put_weights("aligner.onnx.data", std::string(64, 'x'));
  for (const auto& [offset, length] : std::vector<std::pair<std::string, std::string>>{
           {"0", "65"}, {"65", "0"}, {"1", "18446744073709551615"}, {"-1", "2"}, {"0x1", "2"}}) {
    SCOPED_TRACE(offset);
    put_graph(model(weight("w", kFloat, 3,
                           entry("location", "aligner.onnx.data") + entry("offset", offset) +
                               entry("length", length))));
    expect_refused({"aligner.onnx"});
  }
}

TEST_F(GraphCheckTest, RefusesWeightsOfTheSameNameInAnotherFolder) {
  // Listed elsewhere/aligner.onnx.data, which has the digest; opened would be the one beside it.
  put_weights("elsewhere/aligner.onnx.data", std::string(64, 'x'));
  folder.write("aligner.onnx.data", std::string(64, 'y'));
  put_graph(model(weight("w", kFloat, 3, entry("location", "aligner.onnx.data"))));
  expect_refused({"beside the graph", "elsewhere/aligner.onnx.data"});
}

TEST_F(GraphCheckTest, RefusesAGraphThatIsALinkAwayFromItsWeights) {
  // ONNX Runtime may look beside the link or beside the file: both must be what has the digest.
  put_weights("aligner.onnx.data", std::string(64, 'x'));
  put_graph(model(weight("w", kFloat, 3, entry("location", "aligner.onnx.data"))));
  fs::create_directory(folder.path() / "blobs");
  fs::rename(folder.path() / "aligner.onnx", folder.path() / "blobs" / "one");
  fs::create_symlink("blobs/one", folder.path() / "aligner.onnx");
  folder.write("blobs/aligner.onnx.data", std::string(64, 'y'));
  expect_refused({"beside the graph"});
  fs::remove(folder.path() / "blobs" / "aligner.onnx.data");
  expect_refused({"beside the graph"});
  fs::create_symlink("../aligner.onnx.data", folder.path() / "blobs" / "aligner.onnx.data");
  EXPECT_NO_THROW(check());
}

/// A constant of 64-bit integers or floats, as raw bytes or as a packed field.
template <typename Value>
std::string constant(const std::string& name, const std::vector<Value>& values) {
  const std::uint64_t type = std::is_same_v<Value, float> ? kFloat : kInt64;
  const std::string bytes(reinterpret_cast<const char*>(values.data()),
                          values.size() * sizeof(Value));
  return field(
      5, number_field(1, values.size()) + number_field(2, type) + field(8, name) + field(9, bytes));
}

std::string with_constant(const std::string& op_type, const std::string& weights) {
  return model(field(1, field(1, "a") + field(1, "c") + field(2, "b") + field(4, op_type)) +
               weights);
}

std::string window(const std::string& op_type, const std::string& name, std::uint64_t value) {
  return model(node(op_type, "",
                    field(5, field(1, name) + number_field(8, 1) + number_field(8, value) +
                                 number_field(20, 7))));
}

TEST_F(GraphCheckTest, RefusesConstantsThatBlowTensorsUp) {
  using Integers = std::vector<std::int64_t>;
  const std::int64_t million = 1000000;
  const auto packed = field(5, number_field(2, kInt64) + field(8, "c") + number_field(7, 1) +
                                   number_field(7, 1ULL << 40));
  const std::vector<std::pair<std::string, std::string>> refused{
      {window("Conv", "pads", 65), "pads, strides and kernel sizes of 0 to 64 of Conv, got 65"},
      {window("MaxPool", "kernel_shape", 1ULL << 40), "of MaxPool, got 1099511627776"},
      {window("ConvTranspose", "strides", ~0ULL), "of ConvTranspose, got -1"},
      {with_constant("Expand", constant("c", Integers{million, million})), "got 1000000"},
      {with_constant("Expand", constant("c", Integers{1LL << 62, 4})),
       "33554432 elements of Expand"},
      {with_constant("Tile", constant("c", Integers{1, 4097})), "4096 elements of Tile, got 4097"},
      {with_constant("Concat", packed), "of Concat, got 1099511627776"},
      {with_constant("Expand", constant("c", Integers{-2})), "got -2"},
      {with_constant("Pad", constant("c", Integers{0, million})), "pads of up to 64 of Pad"},
      {with_constant("Resize", constant("c", Integers{8192, 8192})), "of Resize"},
      {with_constant("Resize", constant("c", std::vector<float>{1, 1e9f})), "scales above 0"},
      {with_constant("Resize", constant("c", std::vector<float>{NAN})), "scales above 0"},
  };
  for (const auto& [graph, message] : refused) {
    SCOPED_TRACE(message);
    put_graph(graph);
    expect_refused({"aligner.onnx", message});
  }
  const std::vector<std::string> taken{
      window("Conv", "pads", 64),
      window("Transpose", "perm", 1000),
      with_constant("Expand", constant("c", Integers{1, 1, 2048, 2048})),
      with_constant("Concat", constant("c", Integers{-1})),
      with_constant("Slice", constant("c", Integers{INT64_MAX})),
      with_constant("Resize", constant("c", std::vector<float>{1, 1, 4, 4})),
      // SAM 2 hiera-large, as released.
      with_constant("Resize", constant("c", Integers{1, 144, 256, 256})),
  };
  for (std::size_t i = 0; i < taken.size(); ++i) {
    SCOPED_TRACE(i);
    put_graph(taken[i]);
    EXPECT_NO_THROW(check());
  }
}

TEST_F(GraphCheckTest, ComparesThePrecision) {
  const std::vector<std::pair<std::string, std::string>> graphs{
      {"fp32", weight("w", kFloat, 3)},
      {"fp16", weight("n", kFloat, 3) + weight("w", kFloat16, 3)},
      {"int8", weight("w", 3, 3) + weight("s", kFloat, 3)},
      {"int8", block_product(8) + block_product(8) + block_product(4) + weight("w", kUint8, 3)},
      {"int4", block_product(4) + block_product(4) + block_product(8) + weight("w", kUint8, 3)},
      {"int4", node("MatMulNBits", "com.microsoft") + weight("w", kUint8, 3)},
  };
  for (const auto& [found, graph] : graphs) {
    put_graph(model(graph));
    for (const char* claimed : {"fp32", "fp16", "int8", "int4"}) {
      SCOPED_TRACE(found + " as " + claimed);
      manifest["stages"]["aligner"]["precision"] = claimed;
      if (found == claimed) {
        EXPECT_NO_THROW(check());
      } else {
        expect_refused({"aligner.onnx", "precision", claimed, "the graph's are " + found});
      }
    }
  }
}

TEST_F(GraphCheckTest, ComparesTheNumberOfPositions) {
  const std::string tables = weight("cos", kFloat, 4096) + weight("sin", kFloat, 4096);
  put_graph(model(attention("cos", "sin") + tables), "language_model");
  EXPECT_NO_THROW(check("language_model"));
  manifest["model"]["max_position_embeddings"] = 8192;
  expect_refused({"language_model.onnx", "max_position_embeddings 8192", "cos has 4096"},
                 "language_model");
  manifest["model"]["max_position_embeddings"] = 4096;
  put_graph(model(attention("cos", "few") + tables + weight("few", kFloat, 16)), "language_model");
  expect_refused({"few has 16"}, "language_model");
  put_graph(model(attention("cos", "a") + tables), "language_model");
  expect_refused({"an attention has none"}, "language_model");
}

}  // namespace
}  // namespace ufvideo
