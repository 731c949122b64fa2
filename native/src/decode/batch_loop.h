#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "decode/decode_loop.h"

namespace ufvideo {

/// What the batch loop needs of a language model that holds several sequences as rows. A test gives
/// a fake one.
class RowStepper {
 public:
  virtual ~RowStepper() = default;
  /// Feeds one token to each row.
  virtual std::vector<TokenStepper::Output> step(const std::vector<std::int64_t>& token_ids) = 0;
  /// Whether another position fits into the row's context.
  virtual bool has_room(std::size_t row) const = 0;
  /// The row's answer has ended: the last row takes its place.
  virtual void drop(std::size_t row) = 0;
};

/// Several answers, one token each a step. An answer that has ended leaves the batch, so that no
/// step computes what nobody reads.
class BatchLoop {
 public:
  struct Token {
    std::size_t question;
    std::int64_t token_id;
  };
  struct Ended {
    std::size_t question;
    DecodeLoop loop;
  };

  explicit BatchLoop(RowStepper& stepper) : stepper_(stepper) {}

  /// Adds an answer that has begun with what its prefill gave, and takes its first token. Its
  /// sequence is the stepper's last row.
  Token add(std::size_t question, DecodeLoop loop);
  /// One more token of each answer that goes on.
  std::vector<Token> next();
  void end(std::size_t question, StopReason reason);
  void end_all(StopReason reason);
  /// Answers that have ended since the last call; their rows are free.
  std::vector<Ended> take_ended();

  /// The question of each row.
  std::vector<std::size_t> questions() const;
  std::size_t size() const { return rows_.size(); }

 private:
  void drop_ended();

  RowStepper& stepper_;
  std::vector<Ended> rows_;
  std::vector<Ended> ended_;
};

}  // namespace ufvideo
