#include "decode/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "base/error_message.h"
#include "tensor/logits_scan.h"

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

std::vector<std::int64_t> ids_within(const std::vector<TokenRange>& ranges) {
  std::vector<std::int64_t> ids;
  for (const TokenRange& range : ranges) {
    for (std::int64_t id = range.first_id; id <= range.last_id; ++id) {
      ids.push_back(id);
    }
  }
  return ids;
}

}  // namespace

Sampler::Sampler(const GenerationConfig& config)
    : temperature_(static_cast<float>(config.temperature)),
      top_k_(config.top_k),
      repetition_penalty_(static_cast<float>(config.repetition_penalty)),
      engine_(config.seed ? *config.seed : fresh_seed()) {
  if (config.top_p) {
    top_p_ = static_cast<float>(*config.top_p);
  }
}

void Sampler::has_seen(std::int64_t token_id) {
  if (repetition_penalty_ != 1.0f && token_id >= 0) {
    seen_ids_.insert(token_id);
  }
}

std::int64_t Sampler::sample(const Tensor& logits, const std::vector<TokenRange>& allowed) {
  const auto vocab_size = static_cast<std::int64_t>(logits.elements());
  const Tensor judged = seen_ids_.empty() ? logits : penalised(logits);
  const float* values = judged.data<float>();
  const std::vector<TokenRange> everything{{0, vocab_size - 1}};
  const std::vector<TokenRange>& ranges = allowed.empty() ? everything : allowed;
  std::int64_t best = ranges.front().first_id;
  for (const TokenRange& range : ranges) {
    const std::int64_t id = first_of_largest(values, range.first_id, range.last_id);
    // Of equal logits the lowest id is taken, in whatever order the ranges come.
    if (values[id] > values[best] || (values[id] == values[best] && id < best)) {
      best = id;
    }
  }
  return temperature_ == 0.0f ? best : draw(values, ids_within(ranges), values[best]);
}

Tensor Sampler::penalised(const Tensor& logits) const {
  Tensor copy(DType::kFloat32, logits.shape());
  float* values = copy.data<float>();
  std::copy_n(logits.data<float>(), logits.elements(), values);
  for (const std::int64_t id : seen_ids_) {
    if (id < static_cast<std::int64_t>(logits.elements())) {
      values[id] =
          values[id] < 0.0f ? values[id] * repetition_penalty_ : values[id] / repetition_penalty_;
    }
  }
  return copy;
}

std::int64_t Sampler::draw(const float* logits, std::vector<std::int64_t> ids, float best_logit) {
  if (top_k_ && *top_k_ < static_cast<std::int64_t>(ids.size())) {
    std::partial_sort(ids.begin(), ids.begin() + *top_k_, ids.end(),
                      [logits](std::int64_t a, std::int64_t b) {
                        return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
                      });
    ids.resize(*top_k_);
  }
  std::vector<Candidate> candidates;
  candidates.reserve(ids.size());
  for (const std::int64_t id : ids) {
    const double below = double{logits[id]} - best_logit;
    candidates.push_back({std::exp(below / temperature_), id});
  }
  if (top_p_) {
    keep_nucleus(candidates, *top_p_);
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
