#include "ort/graph.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <thread>

#include "base/address_sanitizer.h"
#include "error_expectation.h"
#include "onnxruntime_path.h"
#include "temporary_folder.h"
#include "tensor/device_memory.h"

namespace ufvideo {
namespace {

namespace fs = std::filesystem;

const fs::path kGraphs = fs::path(UFVIDEO_TEST_DATA_DIR) / "graphs";

RuntimeConfig config() {
  RuntimeConfig config;
  config.onnxruntime_library = onnxruntime_path();
  config.num_threads = 1;
  return config;
}

StageEntry entry_of(std::vector<TensorSpec> inputs, std::vector<TensorSpec> outputs) {
  StageEntry entry;
  entry.precision = "fp32";
  entry.inputs = std::move(inputs);
  entry.outputs = std::move(outputs);
  return entry;
}

StageEntry add_multiply_entry() {
  return entry_of({{"a", "float32", {"N", 3}}, {"b", "float32", {"N", 3}}},
                  {{"sum", "float32", {"N", 3}}, {"product", "float32", {"N", 3}}});
}

Graph open(const std::string& name, const StageEntry& entry) {
  return {kGraphs / (name + ".onnx"), name, entry, config()};
}

Tensor floats(Shape shape, const std::vector<float>& values) {
  Tensor tensor(DType::kFloat32, std::move(shape));
  std::memcpy(tensor.raw(), values.data(), tensor.bytes());
  return tensor;
}

Tensor int64s(const std::vector<std::int64_t>& values) {
  Tensor tensor(DType::kInt64, {static_cast<std::int64_t>(values.size())});
  if (!values.empty()) std::memcpy(tensor.raw(), values.data(), tensor.bytes());
  return tensor;
}

std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.data<float>(), tensor.data<float>() + tensor.elements()};
}

class AddMultiplyTest : public testing::Test {
 protected:
  Graph graph = open("add_multiply", add_multiply_entry());
  Tensor a = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  Tensor b = floats({2, 3}, {10, 20, 30, 40, 50, 60});
};

TEST_F(AddMultiplyTest, GivesTheOutputsInTheOrderAskedFor) {
  const std::vector<Tensor> outputs = graph.run({{"b", b}, {"a", a}}, {"product", "sum"});
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(outputs[0].shape(), (Shape{2, 3}));
  EXPECT_EQ(values_of(outputs[0]), (std::vector<float>{10, 40, 90, 160, 250, 360}));
  EXPECT_EQ(values_of(outputs[1]), (std::vector<float>{11, 22, 33, 44, 55, 66}));
  EXPECT_EQ(graph.stage(), "add_multiply");
  EXPECT_EQ(graph.entry().inputs.size(), 2u);
}

/// A GPU's memory as far as the host sees it: only a copy gets at what is there.
class FarMemory : public DeviceMemory {
 public:
  explicit FarMemory(Tensor content) : content_(std::move(content)) {}
  Tensor allocate(DType, Shape) const override { throw std::logic_error("not allocated here"); }
  void copy(const Tensor&, const Tensor& to) const override { copy_content(content_, to); }
  const OrtMemoryInfo* onnxruntime_memory() const override { return nullptr; }

 private:
  Tensor content_;
};

TEST_F(AddMultiplyTest, AStageOnTheCpuReadsWhatLiesOnADevice) {
  static std::array<float, 6> other_values{};
  const Tensor far(a.dtype(), a.shape(), other_values.data(), nullptr,
                   std::make_shared<const FarMemory>(a));
  const Tensor sum = graph.run({{"a", far}, {"b", b}}, {"sum"}).front();
  EXPECT_EQ(values_of(sum), (std::vector<float>{11, 22, 33, 44, 55, 66}));
  EXPECT_EQ(sum.device(), nullptr);
}

TEST_F(AddMultiplyTest, OutputsOutliveLaterRuns) {
  const Tensor first = graph.run({{"a", a}, {"b", b}}, {"sum"}).front();
  graph.run({{"a", b}, {"b", b}}, {"sum"});
  EXPECT_EQ(values_of(first), (std::vector<float>{11, 22, 33, 44, 55, 66}));
}

TEST_F(AddMultiplyTest, WritesBoundOutputsWhereTheyShouldGo) {
  Tensor product(DType::kFloat32, {2, 3});
  const std::vector<Tensor> outputs =
      graph.run({{"a", a}, {"b", b}}, {"sum"}, {{"product", product}});
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(values_of(outputs[0])[5], 66.0f);
  EXPECT_EQ(values_of(product), (std::vector<float>{10, 40, 90, 160, 250, 360}));
}

TEST_F(AddMultiplyTest, AnOutputMayShareAnInputsMemory) {
  const std::vector<Tensor> none = graph.run({{"a", a}, {"b", b}}, {}, {{"sum", a}});
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(values_of(a), (std::vector<float>{11, 22, 33, 44, 55, 66}));
  EXPECT_EQ(values_of(b), (std::vector<float>{10, 20, 30, 40, 50, 60}));
}

TEST_F(AddMultiplyTest, RunsWithNoRows) {
  const Tensor none(DType::kFloat32, {0, 3});
  EXPECT_EQ(graph.run({{"a", none}, {"b", none}}, {"sum"}).front().shape(), (Shape{0, 3}));
}

TEST_F(AddMultiplyTest, RunsInManyThreads) {
  std::vector<std::thread> threads;
  std::vector<int> num_wrong(4, 0);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const Tensor mine = floats({1, 3}, {static_cast<float>(t), 0, 0});
      for (int i = 0; i < 100; ++i) {
        const Tensor sum = graph.run({{"a", mine}, {"b", mine}}, {"sum"}).front();
        num_wrong[t] += sum.data<float>()[0] != 2.0f * static_cast<float>(t);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(num_wrong, std::vector<int>(4, 0));
}

TEST_F(AddMultiplyTest, RefusesWrongInputs) {
  const auto refuse = [this](const std::vector<NamedTensor>& inputs,
                             const std::vector<std::string>& texts) {
    expect_error(ErrorCode::kInvalidInput, texts, [&] { graph.run(inputs, {"sum"}); });
  };
  refuse({{"a", a}}, {"add_multiply", "b", "float32 [N, 3]", "nothing"});
  refuse({{"a", a}, {"b", b}, {"c", b}}, {"add_multiply", "c"});
  refuse({{"a", a}, {"b", b}, {"b", b}}, {"b", "twice"});
  refuse({{"a", a}, {"b", int64s({1, 2, 3})}}, {"b", "float32", "int64"});
  refuse({{"a", a}, {"b", b.reshaped({3, 2})}}, {"b", "[N, 3]", "[3, 2]"});
  refuse({{"a", a}, {"b", b.reshaped({6})}}, {"b", "[N, 3]", "[6]"});
  refuse({{"a", a}, {"b", b.rows(0, 1)}}, {"b", "equal letters", "[1, 3]"});
}

TEST_F(AddMultiplyTest, RefusesWrongOutputs) {
  const std::vector<NamedTensor> inputs{{"a", a}, {"b", b}};
  expect_error(ErrorCode::kInvalidPackage, {"add_multiply", "difference"},
               [&] { graph.run(inputs, {"difference"}); });
  expect_error(ErrorCode::kInvalidInput, {"difference"},
               [&] { graph.run(inputs, {}, {{"difference", a}}); });
  expect_error(ErrorCode::kInvalidInput, {"sum", "[N, 3]", "[1, 3]"},
               [&] { graph.run(inputs, {}, {{"sum", Tensor(DType::kFloat32, {1, 3})}}); });
  expect_error(ErrorCode::kInvalidInput, {"sum", "float32", "int32"},
               [&] { graph.run(inputs, {}, {{"sum", Tensor(DType::kInt32, {2, 3})}}); });
}

TEST(GraphTest, EveryDtypeCrossesTheBorder) {
  StageEntry entry;
  std::vector<NamedTensor> inputs;
  std::vector<std::string> names;
  for (const std::string name : {"uint8", "bool", "int32", "int64", "float16", "float32"}) {
    entry.inputs.push_back({name + "_in", name, {"N"}});
    entry.outputs.push_back({name + "_out", name, {"N"}});
    Tensor tensor(parse_dtype(name), {2});
    std::memset(tensor.raw(), 1, tensor.bytes());
    inputs.emplace_back(name + "_in", tensor);
    names.push_back(name + "_out");
  }
  const std::vector<Tensor> outputs = open("copy", entry).run(inputs, names);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    EXPECT_EQ(outputs[i].dtype(), inputs[i].second.dtype());
    ASSERT_EQ(outputs[i].bytes(), inputs[i].second.bytes());
    EXPECT_EQ(std::memcmp(outputs[i].raw(), inputs[i].second.raw(), outputs[i].bytes()), 0);
  }
}

TEST(GraphTest, RefusesAManifestThatContradictsTheGraph) {
  const auto refuse = [](const StageEntry& entry, const std::vector<std::string>& texts) {
    expect_error(ErrorCode::kInvalidPackage, texts, [&] { open("add_multiply", entry); });
  };
  StageEntry entry = add_multiply_entry();
  entry.inputs.pop_back();
  refuse(entry, {"add_multiply", "1 inputs", "has 2"});
  entry = add_multiply_entry();
  entry.outputs.push_back({"extra", "float32", {"N"}});
  refuse(entry, {"3 outputs", "has 2"});
  entry = add_multiply_entry();
  entry.inputs[1].name = "c";
  refuse(entry, {"input b"});
  entry = add_multiply_entry();
  entry.inputs[0].dtype = "float16";
  refuse(entry, {"input a", "float16"});
  entry = add_multiply_entry();
  entry.outputs[0].shape = {"N"};
  refuse(entry, {"output sum", "[N]", "[-1, 3]"});
  entry = add_multiply_entry();
  entry.outputs[0].shape = {"N", 4};
  refuse(entry, {"output sum", "[N, 4]", "[-1, 3]"});
  entry = add_multiply_entry();
  entry.inputs[0].shape = {"N", "M"};
  refuse(entry, {"input a", "[N, M]", "[-1, 3]"});
}

TEST(GraphTest, RefusesAResultThatBreaksThePromise) {
  const StageEntry entry = entry_of({{"size", "int64", {1}}}, {{"zeros", "float32", {5}}});
  const Graph graph = open("zeros", entry);
  EXPECT_EQ(graph.run({{"size", int64s({5})}}, {"zeros"}).front().elements(), 5u);
  expect_error(ErrorCode::kInvalidPackage, {"zeros", "[5]", "[6]"},
               [&] { graph.run({{"size", int64s({6})}}, {"zeros"}); });
}

TEST(GraphTest, AFailedRunNamesStageAndShapes) {
  const StageEntry entry = entry_of({{"ids", "int64", {"S"}}}, {{"rows", "float32", {"S", 2}}});
  const Graph graph = open("look_up", entry);
  expect_error(ErrorCode::kInferenceFailed, {"look_up", "ids [3]", "ONNX Runtime said"},
               [&] { graph.run({{"ids", int64s({0, 1, 4})}}, {"rows"}); });
  EXPECT_EQ(values_of(graph.run({{"ids", int64s({3})}}, {"rows"}).front()),
            (std::vector<float>{6, 7}));
}

TEST(GraphTest, AFailedAllocationIsOutOfMemory) {
#ifdef UFVIDEO_ADDRESS_SANITIZER
  GTEST_SKIP() << "AddressSanitizer's operator new ends the process where others throw";
#endif
  const Graph graph =
      open("zeros", entry_of({{"size", "int64", {1}}}, {{"zeros", "float32", {"M"}}}));
  expect_error(ErrorCode::kOutOfMemory, {"zeros", "size [1]"},
               [&] { graph.run({{"size", int64s({std::int64_t{1} << 48})}}, {"zeros"}); });
}

TEST(GraphTest, RefusesAFileThatIsNoGraph) {
  TemporaryFolder folder;
  folder.write("aligner.onnx", "this is no protobuf");
  expect_error(ErrorCode::kInvalidPackage, {"aligner", "aligner.onnx"}, [&] {
    Graph(folder.path() / "aligner.onnx", "aligner", add_multiply_entry(), config());
  });
  expect_error(ErrorCode::kInvalidPackage, {"aligner", "nowhere.onnx"}, [&] {
    Graph(folder.path() / "nowhere.onnx", "aligner", add_multiply_entry(), config());
  });
}

TEST(GraphTest, RefusesAnInvalidConfig) {
  RuntimeConfig wrong = config();
  wrong.providers = {"gpu"};
  expect_error(ErrorCode::kInvalidConfig, {"providers", "gpu"}, [&] {
    Graph(kGraphs / "add_multiply.onnx", "add_multiply", add_multiply_entry(), wrong);
  });
}

}  // namespace
}  // namespace ufvideo
