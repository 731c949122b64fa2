#include "decode/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/error_message.h"

namespace ufvideo {
namespace {

std::uint64_t fresh_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

Sampler::Sampler(const GenerationConfig& config)
    : config_(config), engine_(config.seed ? *config.seed : fresh_seed()) {}

std::int64_t Sampler::sample(const Tensor& logits) {
  const float* values = logits.data<float>();
  const auto vocab_size = static_cast<std::int64_t>(logits.elements());
  std::int64_t best = 0;
  for (std::int64_t id = 0; id < vocab_size; ++id) {
    if (!std::isfinite(values[id])) {
      fail(ErrorCode::kInferenceFailed, "sampler: expected finite logits, got ", values[id],
           " for token ", id);
    }
    if (values[id] > values[best]) {
      best = id;
    }
  }
  return config_.temperature == 0.0f ? best : draw(values, vocab_size);
}

std::int64_t Sampler::draw(const float* logits, std::int64_t vocab_size) {
  std::vector<std::int64_t> ids(vocab_size);
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  const std::int64_t kept =
      config_.top_k ? std::min<std::int64_t>(*config_.top_k, vocab_size) : vocab_size;
  // Equal logits keep the order of their ids, so that the result is one on every machine.
  const auto likelier = [logits](std::int64_t a, std::int64_t b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  };
  std::partial_sort(ids.begin(), ids.begin() + kept, ids.end(), likelier);
  ids.resize(kept);

  std::vector<double> weights(ids.size());
  double total = 0.0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    weights[i] = std::exp((double{logits[ids[i]]} - logits[ids[0]]) / config_.temperature);
    total += weights[i];
  }
  if (config_.top_p) {
    const double wanted = *config_.top_p * total;
    double sum = 0.0;
    std::size_t count = 0;
    while (count < weights.size() && sum < wanted) {
      sum += weights[count++];
    }
    weights.resize(std::max<std::size_t>(count, 1));
    total = std::accumulate(weights.begin(), weights.end(), 0.0);
  }
  // The standard library's distributions differ between implementations; this one does not.
  double rest = static_cast<double>(engine_() >> 11) * 0x1p-53 * total;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    rest -= weights[i];
    if (rest < 0.0) {
      return ids[i];
    }
  }
  return ids[weights.size() - 1];
}

}  // namespace ufvideo
