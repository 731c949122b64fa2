#include "ort/graph.h"

#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <new>
#include <shared_mutex>
#include <thread>

#include "base/cancellation.h"
#include "base/error_message.h"
#include "config/free_memory.h"
#include "config/free_threads.h"
#include "ort/device_work.h"
#include "ort/graph_signature.h"
#include "ort/node_placement.h"
#include "ort/onnxruntime_library.h"
#include "ort/ort_device_memory.h"
#include "ort/provider_options.h"
#include "ort/providers.h"
#include "ort/session_options.h"
#include "ort/signature.h"
#include "package/tensor_check.h"

namespace ufvideo {
namespace {

/// What ONNX Runtime says of a graph with nodes that only the CPU can run, where it may not; and of
/// one that it cannot capture.
constexpr const char* kNotCaptured = "cannot use the graph capture feature";
constexpr const char* kNodesLeft = "fallback to CPU EP has been explicitly disabled";

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<const char*> names_of(const std::vector<NamedTensor>& tensors) {
  std::vector<const char*> names;
  names.reserve(tensors.size());
  for (const NamedTensor& tensor : tensors) {
    names.push_back(tensor.first.c_str());
  }
  return names;
}

bool lies_on_device(const std::vector<NamedTensor>& tensors) {
  return std::any_of(tensors.begin(), tensors.end(),
                     [](const NamedTensor& tensor) { return tensor.second.device() != nullptr; });
}

std::vector<NamedTensor> on_host(std::vector<NamedTensor> tensors) {
  for (NamedTensor& tensor : tensors) {
    tensor.second = tensor.second.on_host();
  }
  return tensors;
}

Ort::Value as_value(const Tensor& tensor) {
  return value_over(tensor, tensor.shape(), element_type(tensor.dtype()));
}

Tensor as_tensor(Ort::Value value, DType dtype, const DevicePtr& device) {
  auto owner = std::make_shared<Ort::Value>(std::move(value));
  Shape shape = owner->GetTensorTypeAndShapeInfo().GetShape();
  void* data = owner->GetTensorMutableRawData();
  return Tensor(dtype, std::move(shape), data, std::move(owner), device);
}

}  // namespace

struct Graph::State {
  State(std::string stage_name, const StageEntry& stage_entry)
      : stage(std::move(stage_name)),
        entry(stage_entry),
        inputs_by_name(entry.inputs),
        outputs_by_name(entry.outputs) {}

  const std::string stage;
  const StageEntry entry;
  const Border inputs_by_name;
  const Border outputs_by_name;
  /// Listens to the session.
  NodePlacement placement;
  Ort::Session session{nullptr};
  StageProviders providers;
  /// Where outputs may stay; null: in host memory only.
  DevicePtr device;
  /// Whether its session was opened to capture CUDA graphs, and can.
  bool captures = false;
  /// Runs of a session that captures are one by one: they share a stream.
  std::mutex run_mutex;

  /// Name, dtype and shape of a tensor that goes in (or an output's memory) against its spec;
  /// gives its position among the specs.
  std::size_t check_given(const Border& border, const NamedTensor& given, SymbolSizes& sizes) const;
  void check_inputs(const std::vector<NamedTensor>& inputs, SymbolSizes& sizes) const;
  const TensorSpec& output_spec(const std::string& name) const;
  Ort::RunOptions run_options(const RunHow& how) const;
  /// Lets the scope's token end a run with these options.
  std::unique_ptr<CancellationCallback> terminating(Ort::RunOptions& options,
                                                    const RunHow& how) const;
  std::vector<Ort::Value> run_session(const std::vector<NamedTensor>& inputs,
                                      const std::vector<std::string>& output_names,
                                      const std::vector<NamedTensor>& bound_outputs,
                                      const RunHow& how);
  std::vector<Ort::Value> run_binding(const std::vector<NamedTensor>& inputs,
                                      const std::vector<std::string>& output_names,
                                      const std::vector<NamedTensor>& bound_outputs,
                                      const RunHow& how);
  std::vector<Tensor> run(const std::vector<NamedTensor>& inputs,
                          const std::vector<std::string>& output_names,
                          const std::vector<NamedTensor>& bound_outputs, const RunHow& how,
                          SymbolSizes& sizes);
  [[noreturn]] void rethrow(const std::string& what, bool out_of_memory,
                            const std::vector<NamedTensor>& inputs) const;
};

std::size_t Graph::State::check_given(const Border& border, const NamedTensor& given,
                                      SymbolSizes& sizes) const {
  const auto& [name, tensor] = given;
  const Border::Place* place = border.find(name);
  if (place == nullptr) {
    fail(ErrorCode::kInvalidInput, stage, ": expected tensors of the manifest, got ", name);
  }
  const TensorSpec* spec = place->spec;
  if (tensor.dtype() != place->dtype) {
    fail(ErrorCode::kInvalidInput, stage, ": ", name, ": expected ", spec->dtype, ", got ",
         dtype_name(tensor.dtype()));
  }
  if (!shape_fits(*spec, tensor.shape(), sizes)) {
    fail(ErrorCode::kInvalidInput, stage, ": ", name, ": expected shape ", spec_shape_string(*spec),
         " (equal letters, equal sizes), got ", shape_string(tensor.shape()));
  }
  return place->position;
}

void Graph::State::check_inputs(const std::vector<NamedTensor>& inputs, SymbolSizes& sizes) const {
  std::vector<bool> given(entry.inputs.size(), false);
  for (const NamedTensor& input : inputs) {
    const std::size_t position = check_given(inputs_by_name, input, sizes);
    if (given[position]) {
      fail(ErrorCode::kInvalidInput, stage, ": ", input.first, ": expected once, got twice");
    }
    given[position] = true;
  }
  const auto missing = std::find(given.begin(), given.end(), false);
  if (missing != given.end()) {
    const TensorSpec& spec = entry.inputs[missing - given.begin()];
    fail(ErrorCode::kInvalidInput, stage, ": ", spec.name, ": expected ", spec.dtype, " ",
         spec_shape_string(spec), ", got nothing");
  }
}

const TensorSpec& Graph::State::output_spec(const std::string& name) const {
  const Border::Place* place = outputs_by_name.find(name);
  if (place == nullptr) {
    fail(ErrorCode::kInvalidPackage, stage, ": expected an output ", name,
         ", the manifest has none");
  }
  return *place->spec;
}

Ort::RunOptions Graph::State::run_options(const RunHow& how) const {
  Ort::RunOptions options;
  if (!device) {
    return options;
  }
  // The session logs everything, for its placement's sake.
  options.SetRunLogSeverityLevel(ORT_LOGGING_LEVEL_FATAL);
  if (captures) {
    options.AddConfigEntry("gpu_graph_id", std::to_string(how.capture_id).c_str());
  }
  return options;
}

std::unique_ptr<CancellationCallback> Graph::State::terminating(Ort::RunOptions& options,
                                                                const RunHow& how) const {
  const CancellationToken* token = CancellationScope::current();
  // Ended while it is captured, a CUDA graph would leave its stream in the state of a capture. It
  // is one step of decoding, which is short.
  if (token != nullptr && how.capture_id < 0) {
    return std::make_unique<CancellationCallback>(*token, [&options] { options.SetTerminate(); });
  }
  return nullptr;
}

std::vector<Ort::Value> Graph::State::run_session(const std::vector<NamedTensor>& inputs,
                                                  const std::vector<std::string>& output_names,
                                                  const std::vector<NamedTensor>& bound_outputs,
                                                  const RunHow& how) {
  std::vector<Ort::Value> in;
  in.reserve(inputs.size());
  for (const NamedTensor& input : inputs) {
    in.push_back(as_value(input.second));
  }
  std::vector<const char*> out_names;
  std::vector<Ort::Value> out;
  for (const std::string& name : output_names) {
    out_names.push_back(name.c_str());
    // A null value asks ONNX Runtime to allocate it, in host memory.
    out.emplace_back(nullptr);
  }
  for (const NamedTensor& output : bound_outputs) {
    out_names.push_back(output.first.c_str());
    out.push_back(as_value(output.second));
  }
  Ort::RunOptions options = run_options(how);
  const std::unique_ptr<CancellationCallback> ended_early = terminating(options, how);
  session.Run(options, names_of(inputs).data(), in.data(), in.size(), out_names.data(), out.data(),
              out.size());
  return out;
}

std::vector<Ort::Value> Graph::State::run_binding(const std::vector<NamedTensor>& inputs,
                                                  const std::vector<std::string>& output_names,
                                                  const std::vector<NamedTensor>& bound_outputs,
                                                  const RunHow& how) {
  Ort::IoBinding binding(session);
  for (const NamedTensor& input : inputs) {
    binding.BindInput(input.first.c_str(), as_value(input.second));
  }
  for (const std::string& name : output_names) {
    binding.BindOutput(name.c_str(), contains(how.kept_on_device, name)
                                         ? device->onnxruntime_memory()
                                         : host_memory());
  }
  for (const NamedTensor& output : bound_outputs) {
    binding.BindOutput(output.first.c_str(), as_value(output.second));
  }
  Ort::RunOptions options = run_options(how);
  const std::unique_ptr<CancellationCallback> ended_early = terminating(options, how);
  session.Run(options, binding);
  return binding.GetOutputValues();
}

std::vector<Tensor> Graph::State::run(const std::vector<NamedTensor>& inputs,
                                      const std::vector<std::string>& output_names,
                                      const std::vector<NamedTensor>& bound_outputs,
                                      const RunHow& how, SymbolSizes& sizes) {
  const bool keeps = device != nullptr && !how.kept_on_device.empty();
  std::vector<Ort::Value> out;
  std::unique_lock<std::mutex> one_by_one(run_mutex, std::defer_lock);
  if (captures) {
    one_by_one.lock();
  }
  if (captures && how.capture_id >= 0) {
    const std::unique_lock<std::shared_mutex> alone(device_work());
    out = run_binding(inputs, output_names, bound_outputs, how);
  } else if (keeps) {
    const std::shared_lock<std::shared_mutex> beside(device_work());
    out = run_binding(inputs, output_names, bound_outputs, how);
  } else if (device) {
    const std::shared_lock<std::shared_mutex> beside(device_work());
    out = run_session(inputs, output_names, bound_outputs, how);
  } else {
    out = run_session(inputs, output_names, bound_outputs, how);
  }
  std::vector<Tensor> results;
  results.reserve(output_names.size());
  for (std::size_t i = 0; i < output_names.size(); ++i) {
    const TensorSpec& spec = output_spec(output_names[i]);
    const bool on_device = keeps && contains(how.kept_on_device, output_names[i]);
    Tensor result =
        as_tensor(std::move(out[i]), parse_dtype(spec.dtype), on_device ? device : nullptr);
    // Stages rely on these shapes: a graph that breaks its promise must not lead them astray.
    if (!shape_fits(spec, result.shape(), sizes)) {
      fail(ErrorCode::kInvalidPackage, stage, ": ", spec.name, ": the manifest says shape ",
           spec_shape_string(spec), " (equal letters, equal sizes), the graph gave ",
           shape_string(result.shape()));
    }
    results.push_back(std::move(result));
  }
  return results;
}

void Graph::State::rethrow(const std::string& what, bool out_of_memory,
                           const std::vector<NamedTensor>& inputs) const {
  std::string shapes;
  // The cache comes last: two tensors a layer, all of one shape, so that the first says it.
  constexpr std::size_t kMaxShapes = 6;
  for (std::size_t i = 0; i < inputs.size() && i < kMaxShapes; ++i) {
    shapes += (i == 0 ? "" : ", ") + inputs[i].first + " " + shape_string(inputs[i].second.shape());
  }
  fail(out_of_memory ? ErrorCode::kOutOfMemory : ErrorCode::kInferenceFailed, stage,
       ": expected a run of ", shapes, ", ONNX Runtime said: ", what);
}

Graph::Graph(const std::filesystem::path& path, const std::string& stage, const StageEntry& entry,
             const RuntimeConfig& config) {
  config.validate();
  // First: even an empty session needs the opened library's functions to be destroyed.
  Ort::Env& env = onnxruntime_env(config.onnxruntime_library);
  state_ = std::make_unique<State>(stage, entry);
  const bool captures = captures_stage(stage, config);
  Ort::SessionOptions options = session_options(config, captures);
  state_->providers = append_providers(options, stage, config);
  state_->device = device_of(state_->providers, config);
  if (state_->device) {
    state_->placement.listen(options);
  }
  // The thread that runs a graph is one of its pool's.
  require_threads(
      config.num_threads.value_or(static_cast<int>(std::thread::hardware_concurrency())) - 1);
  try {
    const std::shared_lock<std::shared_mutex> beside(device_work());
    state_->session = Ort::Session(env, path.c_str(), options);
  } catch (const Ort::Exception& error) {
    const std::string what = error.what();
    if (what.find(kNotCaptured) != std::string::npos) {
      fail(ErrorCode::kDeviceUnavailable, stage, ": expected a graph that runs as a CUDA graph at ",
           path.string(), ", ONNX Runtime said: ", what, "; set cuda_graphs to false");
    }
    if (what.find(kNodesLeft) != std::string::npos) {
      fail(ErrorCode::kDeviceUnavailable, stage, ": expected every node of ", path.string(),
           " to run on ", joined(state_->providers.used, "\""),
           ", some are left; add \"cpu\" behind them (RuntimeConfig.providers or stage_providers)");
    }
    fail(says_out_of_memory(what) ? ErrorCode::kOutOfMemory : ErrorCode::kInvalidPackage, stage,
         ": expected a graph that ONNX Runtime can open at ", path.string(), ", it said: ", what);
  }
  // Opening a graph parses, folds and packs: what that leaves free the C library would keep, as
  // much again as a convolutional stage's weights.
  return_free_memory();
  state_->placement.stop();
  state_->providers.num_nodes = state_->placement.num_nodes();
  // Not where the CPU stands in for a GPU that is not there.
  state_->captures = captures && state_->device != nullptr;
  check_border(state_->session, stage, true, state_->inputs_by_name);
  check_border(state_->session, stage, false, state_->outputs_by_name);
}

Graph::~Graph() = default;

std::vector<Tensor> Graph::run(const std::vector<NamedTensor>& inputs,
                               const std::vector<std::string>& output_names,
                               const std::vector<NamedTensor>& bound_outputs,
                               const RunHow& how) const {
  if (!state_->device && lies_on_device(inputs)) {
    // An earlier stage left it on a GPU, and a session of the CPU alone would read its address.
    return run(on_host(inputs), output_names, bound_outputs, how);
  }
  SymbolSizes sizes;
  state_->check_inputs(inputs, sizes);
  for (const NamedTensor& output : bound_outputs) {
    state_->check_given(state_->outputs_by_name, output, sizes);
  }
  for (const std::string& name : output_names) {
    state_->output_spec(name);
  }
  const CancellationToken* token = CancellationScope::current();
  const auto is_cancelled = [token] { return token != nullptr && token->is_cancelled(); };
  if (is_cancelled()) {
    throw RunCancelled();
  }
  try {
    return state_->run(inputs, output_names, bound_outputs, how, sizes);
  } catch (const Ort::Exception& error) {
    if (is_cancelled()) {
      throw RunCancelled();
    }
    state_->rethrow(error.what(), says_out_of_memory(error.what()), inputs);
  } catch (const std::bad_alloc& error) {
    state_->rethrow(error.what(), true, inputs);
  }
}

const std::string& Graph::stage() const { return state_->stage; }
const StageEntry& Graph::entry() const { return state_->entry; }
bool Graph::captures() const { return state_->captures; }
const DevicePtr& Graph::device() const { return state_->device; }
const StageProviders& Graph::providers() const { return state_->providers; }

}  // namespace ufvideo
