#include "ufvideo/stages/language_model.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "base/cancellation.h"
#include "base/error_message.h"
#include "config/memory_budget.h"
#include "kv/batch_kv_cache.h"
#include "kv/kv_cache.h"
#include "ort/graph.h"
#include "tensor/device_memory.h"
#include "tensor/finite.h"

namespace ufvideo {
namespace {

/// ONNX Runtime never forgets a captured graph, of which each holds memory of the device: caches
/// beyond these are decoded without.
constexpr int kMaxCaptured = 256;
constexpr const char* kLogits = "language_model: logits";

DType cache_dtype(const StageEntry& entry) {
  for (const TensorSpec& input : entry.inputs) {
    if (input.name == "past_key_values.0.key") {
      return parse_dtype(input.dtype);
    }
  }
  fail(ErrorCode::kInvalidPackage,
       "language_model: expected an input past_key_values.0.key, the manifest has none");
}

std::shared_ptr<const KvCacheSizes> cache_sizes(const ModelConfig& model, const Graph& graph) {
  return std::make_shared<const KvCacheSizes>(
      KvCacheSizes{model.num_layers, model.num_key_value_heads, model.head_dim,
                   cache_dtype(graph.entry()), model.max_position_embeddings, graph.device()});
}

/// "<side>.0.key", "<side>.0.value", "<side>.1.key" and so on.
std::vector<std::string> cache_names(const std::string& side, int num_layers) {
  std::vector<std::string> names;
  for (int layer = 0; layer < num_layers; ++layer) {
    for (const char* part : {".key", ".value"}) {
      names.push_back(side + "." + std::to_string(layer) + part);
    }
  }
  return names;
}

Tensor int32_tensor(const std::vector<std::int64_t>& values) {
  Tensor tensor(DType::kInt32, {static_cast<std::int64_t>(values.size())});
  std::transform(values.begin(), values.end(), tensor.data<std::int32_t>(),
                 [](std::int64_t value) { return static_cast<std::int32_t>(value); });
  return tensor;
}

}  // namespace

LanguageModel::LanguageModel(const Package& package, const RuntimeConfig& config,
                             std::shared_ptr<MemoryBudget> budget)
    : Stage(package, "language_model", config),
      vocab_size_(package.manifest().model.vocab_size),
      max_positions_(package.manifest().model.max_position_embeddings),
      budget_(budget ? std::move(budget) : std::make_shared<MemoryBudget>(memory_limits(config))),
      cache_sizes_(cache_sizes(package.manifest().model, graph())),
      past_names_(cache_names("past_key_values", cache_sizes_->num_layers)),
      present_names_(cache_names("present", cache_sizes_->num_layers)) {}

std::unique_ptr<KvCache> LanguageModel::make_cache() const {
  return std::make_unique<KvCache>(cache_sizes_, budget_);
}

std::unique_ptr<BatchKvCache> LanguageModel::make_batch_cache(std::int64_t max_rows) const {
  return std::make_unique<BatchKvCache>(cache_sizes_, max_rows, budget_);
}

void LanguageModel::check_cache(const std::shared_ptr<const KvCacheSizes>& sizes) const {
  if (sizes != cache_sizes_) {
    fail(ErrorCode::kInvalidInput,
         "language_model: cache: expected one that make_cache() of this model gave, got another "
         "model's");
  }
}

template <typename Cache>
LanguageModel::Bound LanguageModel::bound_cache(
    const Cache& cache, std::vector<std::pair<std::string, Tensor>> inputs) const {
  Bound bound;
  bound.past = std::move(inputs);
  bound.past.reserve(bound.past.size() + past_names_.size());
  bound.present.reserve(present_names_.size() + 2);
  for (std::size_t i = 0; i < past_names_.size(); ++i) {
    const int layer = static_cast<int>(i) / 2;
    const Tensor& tensor = i % 2 == 0 ? cache.keys(layer) : cache.values(layer);
    bound.past.emplace_back(past_names_[i], tensor);
    bound.present.emplace_back(present_names_[i], tensor);
  }
  return bound;
}

template <typename Cache>
std::vector<Tensor> LanguageModel::run_graph(const Tensor& embeddings,
                                             const std::vector<std::int64_t>& lengths,
                                             const Cache& cache) const {
  std::vector<std::int64_t> last_positions;
  for (const std::int64_t length : lengths) {
    last_positions.push_back(length + embeddings.dim(1) - 1);
  }
  const std::int64_t total = *std::max_element(last_positions.begin(), last_positions.end()) + 1;
  Bound bound = bound_cache(cache, {{"inputs_embeds", embeddings},
                                    {"seqlens_k", int32_tensor(last_positions)},
                                    {"total_sequence_length", int32_tensor({total})}});
  RunHow how;
  if (!graph().captures()) {
    // Else its memory would be the captured graph's too.
    how.kept_on_device = {"hidden_states"};
  }
  return graph().run(bound.past, {"logits", "hidden_states"}, bound.present, how);
}

bool LanguageModel::may_capture(const Tensor& embedding, KvCache& cache) const {
  static std::atomic<int> next_capture_id{1};
  if (!graph().captures()) {
    return false;
  }
  std::optional<DecodeBuffers>& buffers = cache.decode_buffers();
  if (!buffers || buffers->num_moves != cache.num_moves()) {
    buffers.reset();
    if (next_capture_id.load() <= kMaxCaptured) {
      buffers = make_decode_buffers(next_capture_id++, embedding, cache);
    }
  }
  return buffers.has_value();
}

DecodeBuffers LanguageModel::make_decode_buffers(int capture_id, const Tensor& embedding,
                                                 const KvCache& cache) const {
  const DevicePtr& device = graph().device();
  return {capture_id,
          cache.num_moves(),
          allocate_on(device, DType::kFloat32, embedding.shape()),
          allocate_on(device, DType::kInt32, {1}),
          allocate_on(device, DType::kFloat32, {1, 1, vocab_size_}),
          allocate_on(device, DType::kFloat32, embedding.shape())};
}

std::vector<Tensor> LanguageModel::run_captured(const Tensor& embedding, KvCache& cache) const {
  const std::optional<DecodeBuffers>& buffers = cache.decode_buffers();
  copy_content(embedding, buffers->embedding);
  copy_content(int32_tensor({cache.length()}), buffers->last_position);
  // A captured graph remembers the last of these: the most it can become. Which positions count is
  // in seqlens_k, which it reads anew.
  Bound bound = bound_cache(cache, {{"inputs_embeds", buffers->embedding},
                                    {"seqlens_k", buffers->last_position},
                                    {"total_sequence_length", int32_tensor({cache.capacity()})}});
  bound.present.emplace_back("logits", buffers->logits);
  bound.present.emplace_back("hidden_states", buffers->hidden_state);
  RunHow how;
  how.capture_id = buffers->capture_id;
  graph().run(bound.past, {}, bound.present, how);
  return {buffers->logits.on_host(), buffers->hidden_state.on_host()};
}

LanguageModelOutput LanguageModel::run(const Tensor& embeddings, KvCache& cache) const {
  if (embeddings.shape().size() != 2 || embeddings.dim(0) < 1) {
    fail(ErrorCode::kInvalidInput,
         "language_model: embeddings: expected float32 [S, D] with S of 1 or more, got ",
         shape_string(embeddings.shape()));
  }
  check_cache(cache.sizes());
  const KvCache::Use use(cache);
  const std::int64_t num_new = embeddings.dim(0);
  cache.reserve(num_new);
  const Tensor rows = embeddings.reshaped({1, num_new, embeddings.dim(1)});
  std::vector<Tensor> outputs;
  try {
    outputs = num_new == 1 && may_capture(rows, cache) ? run_captured(rows, cache)
                                                       : run_graph(rows, {cache.length()}, cache);
  } catch (const RunCancelled&) {
    // Half of the layers have written behind the positions held, the others have not.
    cache.drop_behind();
    throw;
  }
  const Tensor& logits = outputs[0];
  // The last position has looked at all before it: where it is finite, the cache is.
  try {
    require_finite(logits, kLogits);
  } catch (const NotFiniteError&) {
    cache.drop_behind();
    throw;
  }
  cache.advance(num_new);
  const Tensor& states = outputs[1];
  return {logits.reshaped({logits.dim(2)}), states.reshaped({states.dim(1), states.dim(2)})};
}

LanguageModelRows LanguageModel::run_rows(const Tensor& embeddings, BatchKvCache& cache) const {
  const std::int64_t num_rows = cache.num_rows();
  if (embeddings.shape().size() != 2 || embeddings.dim(0) != num_rows || num_rows < 1) {
    fail(ErrorCode::kInvalidInput, "language_model: embeddings: expected float32 [", num_rows,
         ", D], a row for each of the cache's, got ", shape_string(embeddings.shape()));
  }
  check_cache(cache.sizes());
  cache.reserve_one();
  const std::vector<Tensor> outputs =
      run_graph(embeddings.reshaped({num_rows, 1, embeddings.dim(1)}), cache.lengths(), cache);
  const Tensor& logits = outputs[0];
  require_finite(logits, kLogits);
  cache.advance();
  const Tensor& states = outputs[1];
  return {logits.reshaped({num_rows, logits.dim(2)}), states.reshaped({num_rows, states.dim(2)})};
}

}  // namespace ufvideo
