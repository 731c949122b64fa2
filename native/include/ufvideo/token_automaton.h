#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace ufvideo {

/// Token ids from the first to the last, both included.
struct TokenRange {
  std::int64_t first_id;
  std::int64_t last_id;
};

/// Any of the ids leads to another state.
struct TokenEdge {
  TokenRange ids;
  std::int64_t next_state;
};

/// A place within an answer: which tokens may follow, and whether the answer may end here.
struct TokenState {
  std::vector<TokenEdge> edges;
  bool is_end = false;
};

/// Which answers are allowed: a deterministic automaton over token ids, begun in state 0. The end
/// token is not on its edges; it is allowed wherever a state is an end. Immutable.
class TokenAutomaton {
 public:
  static constexpr std::size_t kMaxStates = std::size_t{1} << 20;
  static constexpr std::size_t kMaxEdges = std::size_t{1} << 22;

  /// Throws InvalidInput when there are no or too many states or edges, an id lies outside the
  /// vocabulary or is an end token, the ranges of a state overlap, an edge leads to no state, the
  /// first state has no edge, or an end cannot be reached from every state.
  TokenAutomaton(std::vector<TokenState> states, std::int64_t vocab_size,
                 std::vector<std::int64_t> end_ids);

  std::int64_t vocab_size() const { return vocab_size_; }
  const std::vector<std::int64_t>& end_ids() const { return end_ids_; }
  /// Tokens of the longest answer, the end token not counted; nothing where it has no bound.
  std::optional<std::int64_t> longest() const { return longest_; }

  /// What may come next, end tokens included; ranges that do not overlap.
  std::vector<TokenRange> allowed(std::int64_t state) const;
  /// Where an allowed token that is no end token leads.
  std::int64_t next(std::int64_t state, std::int64_t token_id) const;
  /// Whether nothing but the end token may come next.
  bool must_end(std::int64_t state) const { return states_.at(state).edges.empty(); }

 private:
  std::vector<TokenState> states_;
  std::int64_t vocab_size_;
  std::vector<std::int64_t> end_ids_;
  std::optional<std::int64_t> longest_;
};

}  // namespace ufvideo
