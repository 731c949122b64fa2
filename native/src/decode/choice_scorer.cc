#include "decode/choice_scorer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace ufvideo {
namespace {

constexpr double kImpossible = -std::numeric_limits<double>::infinity();

/// Logarithm of the sum of the exponentials of float32 [V].
double log_sum_exp(const Tensor& logits) {
  const float* values = logits.data<float>();
  const auto count = static_cast<std::int64_t>(logits.elements());
  const double largest = *std::max_element(values, values + count);
  double sum = 0.0;
  for (std::int64_t i = 0; i < count; ++i) {
    sum += std::exp(values[i] - largest);
  }
  return largest + std::log(sum);
}

class Scorer {
 public:
  Scorer(const ChoiceTree& tree, std::int64_t most_tokens)
      : tree_(tree),
        most_tokens_(most_tokens),
        nodes_(tree.nodes()),
        log_p_(nodes_.size(), kImpossible),
        scores_{std::vector<double>(tree.num_choices(), kImpossible),
                std::vector<std::size_t>(tree.num_choices(), tree.spellings().size())} {
    log_p_[0] = 0.0;
  }

  bool run(const Tensor& prompt_logits, const ChoiceFeed& feed);
  ChoiceScores finished();

 private:
  /// Gives the children of a node their probabilities.
  void expand(std::size_t node, const Tensor& logits);
  void take(std::size_t spelling, double log_p);
  /// Whether no spelling below a node can become its choice's likeliest.
  bool is_beaten(std::size_t node) const;
  /// Probability, over that of the node, that the answer goes on as a longer spelling.
  double share_of_longer(std::size_t node) const;

  const ChoiceTree& tree_;
  std::int64_t most_tokens_;
  const std::vector<ChoiceTree::Node>& nodes_;
  std::vector<double> log_p_;
  ChoiceScores scores_;
  /// Nodes to feed, the next one last. Depth first: what a node's parent needs stays in the cache.
  std::vector<std::size_t> waiting_;
};

bool Scorer::run(const Tensor& prompt_logits, const ChoiceFeed& feed) {
  expand(0, prompt_logits);
  while (!waiting_.empty()) {
    const std::size_t here = waiting_.back();
    waiting_.pop_back();
    if (is_beaten(here)) {
      log_p_[here] = kImpossible;
      continue;
    }
    const std::optional<Tensor> logits = feed(nodes_[here].depth - 1, nodes_[here].token_id);
    if (!logits) {
      return false;
    }
    expand(here, *logits);
  }
  return true;
}

void Scorer::expand(std::size_t node, const Tensor& logits) {
  const double total = log_sum_exp(logits);
  const float* values = logits.data<float>();
  const auto first_waiting = static_cast<std::ptrdiff_t>(waiting_.size());
  for (const std::size_t child : nodes_[node].children) {
    log_p_[child] = log_p_[node] + values[nodes_[child].token_id] - total;
    if (!nodes_[child].children.empty() && nodes_[child].depth < most_tokens_) {
      waiting_.push_back(child);
    } else if (nodes_[child].children.empty()) {
      take(*nodes_[child].spelling, log_p_[child]);
    }
  }
  std::stable_sort(waiting_.begin() + first_waiting, waiting_.end(),
                   [&](std::size_t a, std::size_t b) { return log_p_[a] < log_p_[b]; });
}

void Scorer::take(std::size_t spelling, double log_p) {
  const auto choice = static_cast<std::size_t>(tree_.spellings()[spelling].choice);
  const bool is_first = scores_.spellings[choice] == tree_.spellings().size();
  if (is_first || log_p > scores_.log_probabilities[choice]) {
    scores_.log_probabilities[choice] = log_p;
    scores_.spellings[choice] = spelling;
  }
}

bool Scorer::is_beaten(std::size_t node) const {
  // A shorter spelling needs the probabilities of all that go on from it.
  if (nodes_[node].goes_on) {
    return false;
  }
  std::vector<std::size_t> below{node};
  while (!below.empty()) {
    const ChoiceTree::Node& here = nodes_[below.back()];
    below.pop_back();
    if (here.spelling) {
      const auto choice = static_cast<std::size_t>(tree_.spellings()[*here.spelling].choice);
      if (scores_.log_probabilities[choice] < log_p_[node]) {
        return false;
      }
    }
    below.insert(below.end(), here.children.begin(), here.children.end());
  }
  return true;
}

double Scorer::share_of_longer(std::size_t node) const {
  double share = 0.0;
  std::vector<std::size_t> below = nodes_[node].children;
  while (!below.empty()) {
    const std::size_t here = below.back();
    below.pop_back();
    if (nodes_[here].spelling) {
      share += std::exp(log_p_[here] - log_p_[node]);
    } else {
      below.insert(below.end(), nodes_[here].children.begin(), nodes_[here].children.end());
    }
  }
  return std::min(share, 1.0);
}

ChoiceScores Scorer::finished() {
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    const bool has_longer = nodes_[node].spelling && !nodes_[node].children.empty();
    if (has_longer && log_p_[node] != kImpossible) {
      take(*nodes_[node].spelling, log_p_[node] + std::log1p(-share_of_longer(node)));
    }
  }
  return std::move(scores_);
}

}  // namespace

std::optional<ChoiceScores> score_choices(const ChoiceTree& tree, const Tensor& prompt_logits,
                                          std::int64_t most_tokens, const ChoiceFeed& feed) {
  Scorer scorer(tree, most_tokens);
  if (!scorer.run(prompt_logits, feed)) {
    return std::nullopt;
  }
  return scorer.finished();
}

}  // namespace ufvideo
