#include "core/graph.h"

#include <onnxruntime_cxx_api.h>

#include <map>

#include "core/error_message.h"
#include "core/onnxruntime_library.h"

namespace ufvideo {
namespace {

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

Ort::SessionOptions session_options(const RuntimeConfig& config) {
  Ort::SessionOptions options;
  options.SetGraphOptimizationLevel(GraphOptimizationLevel::ORT_ENABLE_ALL);
  options.SetExecutionMode(ExecutionMode::ORT_SEQUENTIAL);
  options.SetInterOpNumThreads(1);
  if (config.num_threads) {
    options.SetIntraOpNumThreads(*config.num_threads);
  }
  options.AddConfigEntry("session.intra_op.allow_spinning", config.allow_spinning ? "1" : "0");
  return options;
}

bool is_out_of_memory(const std::string& what) {
  for (const char* sign : {"allocate memory", "bad_alloc", "out of memory", "Out of memory"}) {
    if (what.find(sign) != std::string::npos) {
      return true;
    }
  }
  return false;
}

const TensorSpec* find_spec(const std::vector<TensorSpec>& specs, const std::string& name) {
  for (const TensorSpec& spec : specs) {
    if (spec.name == name) {
      return &spec;
    }
  }
  return nullptr;
}

std::string spec_shape_string(const TensorSpec& spec) {
  std::string text = "[";
  for (std::size_t axis = 0; axis < spec.shape.size(); ++axis) {
    text += axis == 0 ? "" : ", ";
    if (const auto* number = std::get_if<std::int64_t>(&spec.shape[axis])) {
      text += std::to_string(*number);
    } else {
      text += std::get<std::string>(spec.shape[axis]);
    }
  }
  return text + "]";
}

}  // namespace

struct Graph::State {
  std::string stage;
  StageEntry entry;
  Ort::Session session{nullptr};

  void check_border(bool inputs) const;
  void check_input(const NamedTensor& input, std::map<std::string, std::int64_t>& symbols) const;
  void check_inputs(const std::vector<NamedTensor>& inputs) const;
  [[noreturn]] void rethrow(const Ort::Exception& error,
                            const std::vector<NamedTensor>& inputs) const;
};

void Graph::State::check_border(bool inputs) const {
  const std::vector<TensorSpec>& specs = inputs ? entry.inputs : entry.outputs;
  const char* side = inputs ? "input" : "output";
  const std::size_t count = inputs ? session.GetInputCount() : session.GetOutputCount();
  if (count != specs.size()) {
    fail(ErrorCode::kInvalidPackage, stage, ": the manifest says ", specs.size(), " ", side,
         "s, the graph has ", count);
  }
  const Ort::AllocatorWithDefaultOptions allocator;
  for (std::size_t i = 0; i < count; ++i) {
    const auto name = inputs ? session.GetInputNameAllocated(i, allocator)
                             : session.GetOutputNameAllocated(i, allocator);
    const TensorSpec* spec = find_spec(specs, name.get());
    if (spec == nullptr) {
      fail(ErrorCode::kInvalidPackage, stage, ": the graph's ", side, " ", name.get(),
           " is not in the manifest");
    }
    const Ort::TypeInfo type = inputs ? session.GetInputTypeInfo(i) : session.GetOutputTypeInfo(i);
    const auto tensor = type.GetTensorTypeAndShapeInfo();
    if (tensor.GetElementType() != element_type(parse_dtype(spec->dtype))) {
      fail(ErrorCode::kInvalidPackage, stage, ": ", side, " ", spec->name,
           ": the manifest says dtype ", spec->dtype, ", the graph has another");
    }
    if (tensor.GetDimensionsCount() != spec->shape.size()) {
      fail(ErrorCode::kInvalidPackage, stage, ": ", side, " ", spec->name,
           ": the manifest says shape ", spec_shape_string(*spec), ", the graph has ",
           tensor.GetDimensionsCount(), " dimensions");
    }
  }
}

void Graph::State::check_input(const NamedTensor& input,
                               std::map<std::string, std::int64_t>& symbols) const {
  const auto& [name, tensor] = input;
  const TensorSpec* spec = find_spec(entry.inputs, name);
  if (spec == nullptr) {
    fail(ErrorCode::kInvalidInput, stage, ": expected inputs of the manifest, got ", name);
  }
  if (tensor.dtype() != parse_dtype(spec->dtype)) {
    fail(ErrorCode::kInvalidInput, stage, ": ", name, ": expected ", spec->dtype, ", got ",
         dtype_name(tensor.dtype()));
  }
  bool fits = tensor.shape().size() == spec->shape.size();
  for (std::size_t axis = 0; fits && axis < spec->shape.size(); ++axis) {
    const std::int64_t size = tensor.shape()[axis];
    if (const auto* number = std::get_if<std::int64_t>(&spec->shape[axis])) {
      fits = size == *number;
    } else {
      const auto& symbol = std::get<std::string>(spec->shape[axis]);
      fits = symbols.emplace(symbol, size).first->second == size;
    }
  }
  if (!fits) {
    fail(ErrorCode::kInvalidInput, stage, ": ", name, ": expected shape ", spec_shape_string(*spec),
         " (equal letters, equal sizes), got ", shape_string(tensor.shape()));
  }
}

void Graph::State::check_inputs(const std::vector<NamedTensor>& inputs) const {
  std::map<std::string, std::int64_t> symbols;
  std::map<std::string, bool> given;
  for (const NamedTensor& input : inputs) {
    check_input(input, symbols);
    if (!given.emplace(input.first, true).second) {
      fail(ErrorCode::kInvalidInput, stage, ": ", input.first, ": expected once, got twice");
    }
  }
  for (const TensorSpec& spec : entry.inputs) {
    if (given.count(spec.name) == 0) {
      fail(ErrorCode::kInvalidInput, stage, ": ", spec.name, ": expected ", spec.dtype, " ",
           spec_shape_string(spec), ", got nothing");
    }
  }
}

void Graph::State::rethrow(const Ort::Exception& error,
                           const std::vector<NamedTensor>& inputs) const {
  std::string shapes;
  // The cache is two tensors a layer, all of one shape: the first says it.
  constexpr std::size_t kMaxShapes = 6;
  for (std::size_t i = 0; i < inputs.size() && i < kMaxShapes; ++i) {
    shapes += (i == 0 ? "" : ", ") + inputs[i].first + " " + shape_string(inputs[i].second.shape());
  }
  const std::string what = error.what();
  fail(is_out_of_memory(what) ? ErrorCode::kOutOfMemory : ErrorCode::kInferenceFailed, stage,
       ": expected a run of ", shapes, ", ONNX Runtime said: ", what);
}

namespace {

Ort::Value as_value(const Tensor& tensor) {
  static const Ort::MemoryInfo memory =
      Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault);
  // ONNX Runtime takes no null pointer, not even for an empty tensor.
  static std::int64_t nothing = 0;
  void* data = const_cast<void*>(tensor.raw());
  return Ort::Value::CreateTensor(memory, data == nullptr ? &nothing : data, tensor.bytes(),
                                  tensor.shape().data(), tensor.shape().size(),
                                  element_type(tensor.dtype()));
}

Tensor as_tensor(Ort::Value value, DType dtype) {
  auto owner = std::make_shared<Ort::Value>(std::move(value));
  Shape shape = owner->GetTensorTypeAndShapeInfo().GetShape();
  void* data = owner->GetTensorMutableRawData();
  return Tensor(dtype, std::move(shape), data, std::move(owner));
}

std::vector<const char*> names_of(const std::vector<NamedTensor>& tensors) {
  std::vector<const char*> names;
  for (const NamedTensor& tensor : tensors) {
    names.push_back(tensor.first.c_str());
  }
  return names;
}

}  // namespace

Graph::Graph(const std::filesystem::path& path, const std::string& stage, const StageEntry& entry,
             const RuntimeConfig& config)
    : state_(std::make_unique<State>()) {
  state_->stage = stage;
  state_->entry = entry;
  Ort::Env& env = onnxruntime_env(config.onnxruntime_library);
  try {
    state_->session = Ort::Session(env, path.c_str(), session_options(config));
  } catch (const Ort::Exception& error) {
    const std::string what = error.what();
    fail(is_out_of_memory(what) ? ErrorCode::kOutOfMemory : ErrorCode::kInvalidPackage, stage,
         ": expected a graph that ONNX Runtime can open at ", path.string(), ", it said: ", what);
  }
  state_->check_border(true);
  state_->check_border(false);
}

Graph::~Graph() = default;

std::vector<Tensor> Graph::run(const std::vector<NamedTensor>& inputs,
                               const std::vector<std::string>& output_names) const {
  return run(inputs, output_names, {});
}

std::vector<Tensor> Graph::run(const std::vector<NamedTensor>& inputs,
                               const std::vector<std::string>& output_names,
                               const std::vector<NamedTensor>& bound_outputs) const {
  state_->check_inputs(inputs);
  std::vector<DType> dtypes;
  for (const std::string& name : output_names) {
    const TensorSpec* spec = find_spec(state_->entry.outputs, name);
    if (spec == nullptr) {
      fail(ErrorCode::kInvalidPackage, state_->stage, ": expected an output ", name,
           ", the manifest has none");
    }
    dtypes.push_back(parse_dtype(spec->dtype));
  }
  try {
    std::vector<Ort::Value> in;
    for (const NamedTensor& input : inputs) {
      in.push_back(as_value(input.second));
    }
    std::vector<const char*> out_names;
    std::vector<Ort::Value> out;
    for (const std::string& name : output_names) {
      out_names.push_back(name.c_str());
      out.emplace_back(nullptr);
    }
    for (const NamedTensor& output : bound_outputs) {
      out_names.push_back(output.first.c_str());
      out.push_back(as_value(output.second));
    }
    // Run() of the C++ wrapper takes null values as "allocate it".
    state_->session.Run(Ort::RunOptions{nullptr}, names_of(inputs).data(), in.data(), in.size(),
                        out_names.data(), out.data(), out.size());
    std::vector<Tensor> results;
    for (std::size_t i = 0; i < output_names.size(); ++i) {
      results.push_back(as_tensor(std::move(out[i]), dtypes[i]));
    }
    return results;
  } catch (const Ort::Exception& error) {
    state_->rethrow(error, inputs);
  }
}

const std::string& Graph::stage() const { return state_->stage; }
const StageEntry& Graph::entry() const { return state_->entry; }

}  // namespace ufvideo
