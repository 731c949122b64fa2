#include <algorithm>
#include <utility>

#include "base/error_message.h"
#include "ufvideo/choices.h"

namespace ufvideo {

ChoiceTree::ChoiceTree(std::vector<ChoiceSpelling> spellings, std::int64_t vocab_size,
                       const std::vector<std::int64_t>& end_ids)
    : spellings_(std::move(spellings)), vocab_size_(vocab_size), nodes_(1) {
  count_choices();
  for (std::size_t i = 0; i < spellings_.size(); ++i) {
    const std::vector<std::int64_t>& ids = spellings_[i].token_ids;
    if (ids.empty()) {
      fail(ErrorCode::kInvalidInput, "choices: spellings[", i, "]: expected a token, got none");
    }
    for (const std::int64_t id : ids) {
      if (id < 0 || id >= vocab_size ||
          std::find(end_ids.begin(), end_ids.end(), id) != end_ids.end()) {
        fail(ErrorCode::kInvalidInput, "choices: spellings[", i, "]: expected ids from 0 to ",
             vocab_size - 1, " and no end token, got ", id);
      }
    }
    add(i);
  }
  std::vector<std::size_t> shortest(num_choices_, kMaxNodes);
  for (const ChoiceSpelling& spelling : spellings_) {
    shortest[spelling.choice] = std::min(shortest[spelling.choice], spelling.token_ids.size());
  }
  longest_ = static_cast<std::int64_t>(*std::max_element(shortest.begin(), shortest.end()));
  // Children come behind their parents.
  for (Node& node : nodes_) {
    for (const std::size_t child : node.children) {
      nodes_[child].goes_on = node.goes_on || node.spelling.has_value();
    }
  }
}

void ChoiceTree::count_choices() {
  if (spellings_.empty()) {
    fail(ErrorCode::kInvalidInput, "choices: expected a spelling, got none");
  }
  const auto num_spellings = static_cast<std::int64_t>(spellings_.size());
  std::vector<bool> is_written(spellings_.size(), false);
  for (std::size_t i = 0; i < spellings_.size(); ++i) {
    if (spellings_[i].choice < 0 || spellings_[i].choice >= num_spellings) {
      fail(ErrorCode::kInvalidInput, "choices: spellings[", i, "]: expected a choice from 0 to ",
           num_spellings - 1, " (no more choices than spellings), got ", spellings_[i].choice);
    }
    is_written[spellings_[i].choice] = true;
    num_choices_ = std::max(num_choices_, static_cast<std::size_t>(spellings_[i].choice) + 1);
  }
  for (std::size_t choice = 0; choice < num_choices_; ++choice) {
    if (!is_written[choice]) {
      fail(ErrorCode::kInvalidInput, "choices: expected a spelling of each choice up to ",
           num_choices_ - 1, ", got none of choice ", choice);
    }
  }
}

void ChoiceTree::add(std::size_t spelling) {
  std::size_t here = 0;
  for (const std::int64_t id : spellings_[spelling].token_ids) {
    const std::vector<std::size_t>& children = nodes_[here].children;
    const auto found = std::find_if(children.begin(), children.end(), [&](std::size_t child) {
      return nodes_[child].token_id == id;
    });
    if (found != children.end()) {
      here = *found;
      continue;
    }
    if (nodes_.size() == kMaxNodes) {
      fail(ErrorCode::kInvalidInput, "choices: expected at most ", kMaxNodes,
           " tokens in all, shared beginnings counted once, got more");
    }
    nodes_.push_back({id, nodes_[here].depth + 1});
    nodes_[here].children.push_back(nodes_.size() - 1);
    here = nodes_.size() - 1;
  }
  if (nodes_[here].spelling) {
    fail(ErrorCode::kInvalidInput, "choices: spellings[", spelling,
         "]: expected each spelling once, got that of spellings[", *nodes_[here].spelling,
         "] again");
  }
  nodes_[here].spelling = spelling;
}

std::size_t ChoiceScores::best() const {
  return static_cast<std::size_t>(
      std::max_element(log_probabilities.begin(), log_probabilities.end()) -
      log_probabilities.begin());
}

}  // namespace ufvideo
