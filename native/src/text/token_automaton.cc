#include "ufvideo/token_automaton.h"

#include <algorithm>
#include <utility>

#include "base/error_message.h"

namespace ufvideo {
namespace {

void check_counts(const std::vector<TokenState>& states) {
  if (states.empty() || states.size() > TokenAutomaton::kMaxStates) {
    fail(ErrorCode::kInvalidInput, "automaton: expected 1 to ", TokenAutomaton::kMaxStates,
         " states, got ", states.size());
  }
  std::size_t num_edges = 0;
  for (const TokenState& state : states) {
    num_edges += state.edges.size();
  }
  if (num_edges > TokenAutomaton::kMaxEdges) {
    fail(ErrorCode::kInvalidInput, "automaton: expected at most ", TokenAutomaton::kMaxEdges,
         " edges, got ", num_edges);
  }
  if (states.front().edges.empty()) {
    fail(ErrorCode::kInvalidInput,
         "automaton: expected an edge out of state 0, got none: an answer has a token");
  }
}

void check_edge(const TokenEdge& edge, std::size_t state, std::size_t num_states,
                std::int64_t vocab_size, const std::vector<std::int64_t>& end_ids) {
  const auto [first, last] = edge.ids;
  if (first < 0 || last < first || last >= vocab_size) {
    fail(ErrorCode::kInvalidInput, "automaton: states[", state,
         "]: expected ids in order from 0 to ", vocab_size - 1, ", got ", first, " to ", last);
  }
  if (edge.next_state < 0 || edge.next_state >= static_cast<std::int64_t>(num_states)) {
    fail(ErrorCode::kInvalidInput, "automaton: states[", state, "]: expected a next state of 0 to ",
         num_states - 1, ", got ", edge.next_state);
  }
  for (const std::int64_t id : end_ids) {
    if (id >= first && id <= last) {
      fail(ErrorCode::kInvalidInput, "automaton: states[", state,
           "]: expected no end token on an edge, got ", id, "; is_end allows it");
    }
  }
}

/// Sorts the edges of each state by their ids, which must not overlap.
void sort_edges(std::vector<TokenState>& states) {
  for (std::size_t i = 0; i < states.size(); ++i) {
    std::vector<TokenEdge>& edges = states[i].edges;
    std::sort(edges.begin(), edges.end(), [](const TokenEdge& a, const TokenEdge& b) {
      return a.ids.first_id < b.ids.first_id;
    });
    for (std::size_t k = 1; k < edges.size(); ++k) {
      if (edges[k].ids.first_id <= edges[k - 1].ids.last_id) {
        fail(ErrorCode::kInvalidInput, "automaton: states[", i, "]: expected each id once, got ",
             edges[k].ids.first_id, " on two edges");
      }
    }
  }
}

using Neighbours = std::vector<std::vector<std::int64_t>>;

Neighbours states_before(const std::vector<TokenState>& states) {
  Neighbours before(states.size());
  for (std::size_t i = 0; i < states.size(); ++i) {
    for (const TokenEdge& edge : states[i].edges) {
      before[edge.next_state].push_back(static_cast<std::int64_t>(i));
    }
  }
  return before;
}

void check_ends(const std::vector<TokenState>& states, const Neighbours& before) {
  std::vector<bool> reaches(states.size(), false);
  std::vector<std::int64_t> waiting;
  const auto reached = [&](std::int64_t state) {
    if (!reaches[state]) {
      reaches[state] = true;
      waiting.push_back(state);
    }
  };
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (states[i].is_end) {
      reached(static_cast<std::int64_t>(i));
    }
  }
  while (!waiting.empty()) {
    const std::int64_t state = waiting.back();
    waiting.pop_back();
    std::for_each(before[state].begin(), before[state].end(), reached);
  }
  const auto stuck = std::find(reaches.begin(), reaches.end(), false);
  if (stuck != reaches.end()) {
    fail(ErrorCode::kInvalidInput, "automaton: expected an end behind every state, states[",
         stuck - reaches.begin(), "] reaches none");
  }
}

/// Longest way from state 0; nothing where the states have a circle. States are finished once all
/// behind them are: what is left in the end lies on or before a circle.
std::optional<std::int64_t> longest_way(const std::vector<TokenState>& states,
                                        const Neighbours& before) {
  std::vector<std::size_t> num_open(states.size());
  std::vector<std::int64_t> longest(states.size(), 0);
  std::vector<std::int64_t> finished;
  for (std::size_t i = 0; i < states.size(); ++i) {
    num_open[i] = states[i].edges.size();
    if (num_open[i] == 0) {
      finished.push_back(static_cast<std::int64_t>(i));
    }
  }
  for (std::size_t k = 0; k < finished.size(); ++k) {
    for (const std::int64_t state : before[finished[k]]) {
      longest[state] = std::max(longest[state], longest[finished[k]] + 1);
      if (--num_open[state] == 0) {
        finished.push_back(state);
      }
    }
  }
  return num_open[0] == 0 ? std::optional(longest[0]) : std::nullopt;
}

}  // namespace

TokenAutomaton::TokenAutomaton(std::vector<TokenState> states, std::int64_t vocab_size,
                               std::vector<std::int64_t> end_ids)
    : states_(std::move(states)), vocab_size_(vocab_size), end_ids_(std::move(end_ids)) {
  check_counts(states_);
  if (end_ids_.empty()) {
    fail(ErrorCode::kInvalidInput, "automaton: end_ids: expected one or more, got none");
  }
  for (const std::int64_t id : end_ids_) {
    if (id < 0 || id >= vocab_size_) {
      fail(ErrorCode::kInvalidInput, "automaton: end_ids: expected 0 to ", vocab_size_ - 1,
           ", got ", id);
    }
  }
  for (std::size_t i = 0; i < states_.size(); ++i) {
    for (const TokenEdge& edge : states_[i].edges) {
      check_edge(edge, i, states_.size(), vocab_size_, end_ids_);
    }
  }
  sort_edges(states_);
  const Neighbours before = states_before(states_);
  check_ends(states_, before);
  longest_ = longest_way(states_, before);
}

std::vector<TokenRange> TokenAutomaton::allowed(std::int64_t state) const {
  const TokenState& here = states_.at(state);
  std::vector<TokenRange> ranges;
  ranges.reserve(here.edges.size() + end_ids_.size());
  for (const TokenEdge& edge : here.edges) {
    ranges.push_back(edge.ids);
  }
  if (here.is_end) {
    for (const std::int64_t id : end_ids_) {
      ranges.push_back({id, id});
    }
  }
  return ranges;
}

std::int64_t TokenAutomaton::next(std::int64_t state, std::int64_t token_id) const {
  const std::vector<TokenEdge>& edges = states_.at(state).edges;
  const auto behind = std::upper_bound(
      edges.begin(), edges.end(), token_id,
      [](std::int64_t id, const TokenEdge& edge) { return id < edge.ids.first_id; });
  if (behind == edges.begin() || std::prev(behind)->ids.last_id < token_id) {
    fail(ErrorCode::kInvalidInput, "automaton: expected a token that state ", state,
         " allows, got ", token_id);
  }
  return std::prev(behind)->next_state;
}

}  // namespace ufvideo
