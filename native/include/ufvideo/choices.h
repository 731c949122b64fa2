#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace ufvideo {

/// One way to write a choice. A choice may have several, such as its letter cases.
struct ChoiceSpelling {
  std::vector<std::int64_t> token_ids;
  /// Which choice it writes, counted from 0.
  std::int64_t choice;
};

/// Texts of which an answer is one: the prefix tree of the tokens of their spellings. Immutable.
class ChoiceTree {
 public:
  static constexpr std::size_t kMaxNodes = std::size_t{1} << 20;

  /// A place within some spellings; the first node is the root, before the first token.
  struct Node {
    std::int64_t token_id = 0;
    /// Tokens up to this node, its own included.
    std::int64_t depth = 0;
    /// Index of the spelling that ends here.
    std::optional<std::size_t> spelling{};
    /// Whether a shorter spelling ends at a node above this one.
    bool goes_on = false;
    std::vector<std::size_t> children{};
  };

  /// Throws InvalidInput when there is no spelling, one is empty or comes twice, an id lies outside
  /// the vocabulary or is an end token, a choice from 0 to the last has no spelling, or there are
  /// too many tokens.
  ChoiceTree(std::vector<ChoiceSpelling> spellings, std::int64_t vocab_size,
             const std::vector<std::int64_t>& end_ids);

  const std::vector<ChoiceSpelling>& spellings() const { return spellings_; }
  std::size_t num_choices() const { return num_choices_; }
  std::int64_t vocab_size() const { return vocab_size_; }
  /// Tokens within which every choice can be written: those of each one's shortest spelling.
  std::int64_t longest() const { return longest_; }
  const std::vector<Node>& nodes() const { return nodes_; }

 private:
  void add(std::size_t spelling);
  void count_choices();

  std::vector<ChoiceSpelling> spellings_;
  std::int64_t vocab_size_;
  std::size_t num_choices_ = 0;
  std::int64_t longest_ = 0;
  std::vector<Node> nodes_;
};

/// What each choice of a ChoiceTree is worth.
struct ChoiceScores {
  /// Natural logarithm of the probability that the answer begins with the choice, and with no
  /// longer one: the sum of its tokens' log-probabilities, less what goes on as a longer choice.
  /// Of several spellings, that of the likeliest.
  std::vector<double> log_probabilities;
  /// Index of each choice's likeliest spelling.
  std::vector<std::size_t> spellings;

  /// The likeliest choice, the first of equal ones.
  std::size_t best() const;
};

}  // namespace ufvideo
