#include "decode/batch_loop.h"

#include <utility>

namespace ufvideo {
namespace {

/// One row of a step that has run already, as the stepper of its own loop.
class FedRow : public TokenStepper {
 public:
  FedRow() = default;
  explicit FedRow(Output output) : output_(std::move(output)), has_room_(true) {}

  Output step(std::int64_t /*token_id*/) override { return std::move(output_); }
  bool has_room() const override { return has_room_; }

 private:
  Output output_;
  bool has_room_ = false;
};

}  // namespace

BatchLoop::Token BatchLoop::add(std::size_t question, DecodeLoop loop) {
  FedRow none;
  const std::int64_t token = loop.next(none).value();
  rows_.push_back({question, std::move(loop)});
  return {question, token};
}

std::vector<BatchLoop::Token> BatchLoop::next() {
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    if (!stepper_.has_room(row)) {
      rows_[row].loop.end(StopReason::kContextFull);
    }
  }
  drop_ended();
  std::vector<Token> tokens;
  if (rows_.empty()) {
    return tokens;
  }
  std::vector<std::int64_t> fed;
  for (const Ended& row : rows_) {
    fed.push_back(row.loop.token_ids().back());
  }
  std::vector<TokenStepper::Output> outputs = stepper_.step(fed);
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    FedRow one(std::move(outputs[row]));
    if (const std::optional<std::int64_t> token = rows_[row].loop.next(one)) {
      tokens.push_back({rows_[row].question, *token});
    }
  }
  return tokens;
}

void BatchLoop::end(std::size_t question, StopReason reason) {
  for (Ended& row : rows_) {
    if (row.question == question) {
      row.loop.end(reason);
    }
  }
}

void BatchLoop::end_all(StopReason reason) {
  for (Ended& row : rows_) {
    row.loop.end(reason);
  }
}

void BatchLoop::drop_ended() {
  for (std::size_t row = rows_.size(); row-- > 0;) {
    if (!rows_[row].loop.ended()) {
      continue;
    }
    stepper_.drop(row);
    ended_.push_back(std::move(rows_[row]));
    if (row + 1 != rows_.size()) {
      rows_[row] = std::move(rows_.back());
    }
    rows_.pop_back();
  }
}

std::vector<BatchLoop::Ended> BatchLoop::take_ended() {
  drop_ended();
  return std::exchange(ended_, {});
}

std::vector<std::size_t> BatchLoop::questions() const {
  std::vector<std::size_t> questions;
  for (const Ended& row : rows_) {
    questions.push_back(row.question);
  }
  return questions;
}

}  // namespace ufvideo
