#include "decode/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "core/error_message.h"

namespace ufvideo {
namespace {

std::uint64_t fresh_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

struct Candidate {
  double weight;
  std::int64_t id;
};

/// Equally likely candidates keep the order of their ids, so that the result is one on every
/// machine.
bool likelier(const Candidate& a, const Candidate& b) {
  return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
}

double total_weight(const std::vector<Candidate>& candidates) {
  return std::accumulate(candidates.begin(), candidates.end(), 0.0,
                         [](double sum, const Candidate& c) { return sum + c.weight; });
}

/// Keeps the likeliest candidates that together reach `share` of the weight. A heap orders only
/// these few: sorting a vocabulary takes longer than a decode step of a small model.
void keep_nucleus(std::vector<Candidate>& candidates, double share) {
  const double wanted = share * total_weight(candidates);
  const auto less_likely = [](const Candidate& a, const Candidate& b) { return likelier(b, a); };
  std::make_heap(candidates.begin(), candidates.end(), less_likely);
  std::vector<Candidate> nucleus;
  double sum = 0.0;
  do {
    std::pop_heap(candidates.begin(), candidates.end(), less_likely);
    nucleus.push_back(candidates.back());
    candidates.pop_back();
    sum += nucleus.back().weight;
  } while (!candidates.empty() && sum < wanted);
  candidates = std::move(nucleus);
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
  return config_.temperature == 0.0f ? best : draw(values, vocab_size, values[best]);
}

std::int64_t Sampler::draw(const float* logits, std::int64_t vocab_size, float best_logit) {
  std::vector<std::int64_t> ids(vocab_size);
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  if (config_.top_k && *config_.top_k < vocab_size) {
    std::partial_sort(ids.begin(), ids.begin() + *config_.top_k, ids.end(),
                      [logits](std::int64_t a, std::int64_t b) {
                        return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
                      });
    ids.resize(*config_.top_k);
  }
  std::vector<Candidate> candidates;
  candidates.reserve(ids.size());
  for (const std::int64_t id : ids) {
    const double below = double{logits[id]} - best_logit;
    candidates.push_back({std::exp(below / config_.temperature), id});
  }
  if (config_.top_p) {
    keep_nucleus(candidates, *config_.top_p);
  }
  // The standard library's distributions differ between implementations; this one does not.
  double rest = static_cast<double>(engine_() >> 11) * 0x1p-53 * total_weight(candidates);
  for (const Candidate& candidate : candidates) {
    rest -= candidate.weight;
    if (rest < 0.0) {
      return candidate.id;
    }
  }
  return candidates.back().id;
}

}  // namespace ufvideo
