#include "decode/decode_loop.h"

#include <algorithm>
#include <utility>

#include "tensor/finite.h"

namespace ufvideo {
namespace {

/// All ids below `vocab_size` but these.
std::vector<TokenRange> ranges_without(std::vector<std::int64_t> ids, std::int64_t vocab_size) {
  std::sort(ids.begin(), ids.end());
  std::vector<TokenRange> ranges;
  std::int64_t first = 0;
  for (const std::int64_t id : ids) {
    if (first < id) {
      ranges.push_back({first, id - 1});
    }
    first = id + 1;
  }
  if (first < vocab_size) {
    ranges.push_back({first, vocab_size - 1});
  }
  return ranges;
}

}  // namespace

DecodeLoop::DecodeLoop(const TokenConfig& tokens, SegHiddenState seg_hidden_state,
                       const GenerationConfig& config,
                       std::shared_ptr<const TokenAutomaton> response_format)
    : tokens_(tokens),
      seg_hidden_state_(seg_hidden_state),
      max_new_tokens_(config.max_new_tokens),
      min_new_tokens_(static_cast<std::size_t>(config.min_new_tokens)),
      sampler_(config),
      answer_format_(std::move(response_format)) {}

void DecodeLoop::start(TokenStepper::Output prefill, const std::vector<std::int64_t>& prompt_ids) {
  current_ = std::move(prefill);
  for (const std::int64_t id : prompt_ids) {
    if (id != tokens_.region_id) {  // Stands for embeddings, as the negative placeholders do.
      sampler_.has_seen(id);
    }
  }
}

void DecodeLoop::start_with(std::vector<std::int64_t> answer_ids) {
  known_ids_ = std::move(answer_ids);
}

std::int64_t DecodeLoop::next_known() {
  const std::int64_t token = known_ids_[token_ids_.size()];
  token_ids_.push_back(token);
  if (token_ids_.size() == known_ids_.size()) {
    end(StopReason::kEndToken);
  }
  return token;
}

std::optional<std::int64_t> DecodeLoop::next(TokenStepper& stepper) {
  if (ended_) {
    return std::nullopt;
  }
  if (is_known()) {
    return next_known();
  }
  if (!token_ids_.empty()) {
    if (!stepper.has_room()) {
      end(StopReason::kContextFull);
      return std::nullopt;
    }
    earlier_state_ = current_.hidden_state;
    current_ = stepper.step(token_ids_.back());
  }
  const std::int64_t token = sample();
  token_ids_.push_back(token);
  if (token == tokens_.seg_id) {
    keep_seg_state();
  }
  if (const std::optional<StopReason> reason = reason_to_end(token)) {
    end(*reason);
  }
  return token;
}

std::int64_t DecodeLoop::sample() {
  const std::int64_t token = sampler_.sample(current_.logits, allowed());
  sampler_.has_seen(token);
  return token;
}

std::vector<TokenRange> DecodeLoop::allowed() const {
  if (answer_format_) {
    return answer_format_->allowed(format_state_);
  }
  // The token that makes the minimum whole may be the end token.
  const bool may_end = token_ids_.size() + 1 >= min_new_tokens_;
  const auto vocab_size = static_cast<std::int64_t>(current_.logits.elements());
  return may_end ? std::vector<TokenRange>{} : ranges_without(tokens_.end_ids, vocab_size);
}

std::optional<StopReason> DecodeLoop::reason_to_end(std::int64_t token) {
  if (std::find(tokens_.end_ids.begin(), tokens_.end_ids.end(), token) != tokens_.end_ids.end()) {
    return StopReason::kEndToken;
  }
  if (answer_format_) {
    format_state_ = answer_format_->next(format_state_, token);
    if (answer_format_->must_end(format_state_)) {
      return StopReason::kEndToken;
    }
  }
  if (token_ids_.size() >= static_cast<std::size_t>(max_new_tokens_)) {
    return StopReason::kMaxNewTokens;
  }
  return std::nullopt;
}

void DecodeLoop::keep_seg_state() {
  const bool preceding = seg_hidden_state_ == SegHiddenState::kPreceding;
  const Tensor& state = preceding ? earlier_state_ : current_.hidden_state;
  if (state.empty()) {
    return;  // A [SEG] that comes first has no earlier state: the released code gives no mask.
  }
  const Tensor on_host = state.on_host();
  require_finite(on_host, "language_model: hidden_states");
  seg_positions_.push_back(static_cast<std::int64_t>(token_ids_.size()) - 1);
  seg_states_.push_back(on_host);
}

void DecodeLoop::end(StopReason reason) {
  if (!ended_) {
    ended_ = true;
    stop_reason_ = reason;
  }
}

Tensor DecodeLoop::seg_hidden_states() const { return stack_rows(seg_states_); }

Tensor stack_rows(const std::vector<Tensor>& rows) {
  if (rows.empty()) {
    return Tensor(DType::kFloat32, {0, 0});
  }
  const auto width = static_cast<std::int64_t>(rows.front().elements());
  Tensor stacked(DType::kFloat32, {static_cast<std::int64_t>(rows.size()), width});
  float* out = stacked.data<float>();
  for (const Tensor& row : rows) {
    out = std::copy_n(row.data<float>(), width, out);
  }
  return stacked;
}

}  // namespace ufvideo
