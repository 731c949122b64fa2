#include "session/batch_run.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/error_message.h"
#include "decode/batch_loop.h"
#include "kv/batch_kv_cache.h"
#include "session/prompt_checks.h"

namespace ufvideo {
namespace {

/// Adds the timings `added` to `sum`, stage by stage.
void add_timings(StageTimings& sum, const StageTimings& added) {
  for (const auto& [stem, timing] : added) {
    StageTiming& total = sum[stem];
    total.num_calls += timing.num_calls;
    total.num_items += timing.num_items;
    total.total_ms += timing.total_ms;
  }
}

/// Answers to several prompts. Each is prefilled in the session's own cache, exactly as one alone,
/// and copied from there to a row of the batch's; where the memory allows no second sequence, they
/// stay there and are answered one by one. Choices are scored there, without a row.
class BatchRun : public RowStepper {
 public:
  BatchRun(const AnswerParts& parts, const std::vector<Prompt>& prompts,
           const GenerationConfig& config)
      : model_(parts.model),
        parts_(parts),
        prompts_(prompts),
        config_(config),
        on_progress_(parts.call.take_progress()),
        loop_(*this),
        generations_(prompts.size()),
        max_rows_(plan_rows()) {
    if (max_rows_ > 1) {
      rows_ = model_.language_model().make_batch_cache(max_rows_);
    }
  }

  std::vector<Generation> run(const IndexedTokenCallback& callback);

  // RowStepper
  std::vector<TokenStepper::Output> step(const std::vector<std::int64_t>& token_ids) override;
  bool has_room(std::size_t row) const override {
    return length_of(row) < model_.language_model().max_positions();
  }
  void drop(std::size_t row) override {
    if (rows_) {
      rows_->drop_row(static_cast<std::int64_t>(row));
    }
  }

 private:
  /// Positions of a prompt at most, once it has been found fit to be answered.
  std::int64_t checked_length(const Prompt& prompt) const;
  std::int64_t plan_rows() const;
  std::int64_t length_of(std::size_t row) const {
    return rows_ ? rows_->lengths().at(row) : parts_.sequence.cache().length();
  }
  /// Prefills the next question and adds its first token; false when it was cancelled before.
  bool admit(std::vector<BatchLoop::Token>& tokens);
  /// Scores the next question's choices and tells its answer; false when it was cancelled before.
  bool choose(const IndexedTokenCallback& callback);
  void count_prefill(Generation& generation, const StageTimings& before, Clock::time_point begin);
  std::vector<BatchLoop::Token> next_tokens();
  void cancel_all();
  void collect();
  void report() const;

  const Model& model_;
  AnswerParts parts_;
  const std::vector<Prompt>& prompts_;
  const GenerationConfig& config_;
  /// The session's own would be told about each prompt's positions.
  const ProgressCallback on_progress_;
  std::size_t num_ended_ = 0;
  BatchLoop loop_;
  std::vector<Generation> generations_;
  std::int64_t max_rows_;
  /// Not there where one question is answered at a time.
  std::unique_ptr<BatchKvCache> rows_;
  std::size_t num_admitted_ = 0;
};

std::int64_t BatchRun::checked_length(const Prompt& prompt) const {
  const Manifest& manifest = model_.manifest();
  check_constraint(prompt, config_, manifest);
  std::vector<std::int64_t> region_lengths;
  for (const RegionPrompt& region : prompt.regions) {
    region_lengths.push_back(std::min<std::int64_t>(
        manifest.model.max_region_tokens, static_cast<std::int64_t>(region.frame_idxs.size())));
  }
  const std::int64_t num_video_tokens = parts_.clip.video_tokens().dim(0);
  const PromptLayout layout = lay_out_prompt(
      prompt.token_ids, manifest.tokens, parts_.clip.is_image(), num_video_tokens, region_lengths);
  check_token_ids(prompt, layout, manifest.model.vocab_size);
  check_room(prompt, layout, model_.language_model().max_positions(), num_video_tokens);
  parts_.clip.check_regions(prompt);
  return layout.length;
}

std::int64_t BatchRun::plan_rows() const {
  const std::int64_t max_positions = model_.language_model().max_positions();
  std::int64_t longest = 0;
  for (std::size_t i = 0; i < prompts_.size(); ++i) {
    try {
      longest = std::max(longest, checked_length(prompts_[i]));
    } catch (const Error& error) {
      fail(error.code(), "prompts[", i, "]: ", error.what());
    }
  }
  const KvCache& own = parts_.sequence.cache();
  const KvCacheSizes& sizes = *own.sizes();
  const std::size_t own_bytes = sizes.in_blocks(longest) * sizes.position_bytes();
  const std::int64_t num_decoded = std::count_if(
      prompts_.begin(), prompts_.end(), [](const Prompt& prompt) { return !prompt.choices; });
  const std::int64_t most = std::min<std::int64_t>(kMaxBatchRows, num_decoded);
  return rows_that_fit(own, std::min(longest + config_.max_new_tokens, max_positions), most,
                       own_bytes - std::min(own_bytes, own.bytes()));
}

std::vector<TokenStepper::Output> BatchRun::step(const std::vector<std::int64_t>& token_ids) {
  if (!rows_) {
    return {parts_.sequence.step(token_ids.front())};
  }
  const TokenEmbedder& embedder = model_.token_embedder();
  const auto num_rows = static_cast<std::int64_t>(token_ids.size());
  const Tensor embeddings = timed(parts_.call.timings(), embedder.stem(), num_rows,
                                  [&] { return embedder.embed(token_ids); });
  const LanguageModel& language_model = model_.language_model();
  const LanguageModelRows output =
      timed(parts_.call.timings(), language_model.stem(), num_rows,
            [&] { return language_model.run_rows(embeddings, *rows_); });
  std::vector<TokenStepper::Output> outputs;
  for (std::int64_t row = 0; row < num_rows; ++row) {
    outputs.push_back(
        {output.logits.rows(row, row + 1).reshaped({output.logits.dim(1)}),
         output.hidden_states.rows(row, row + 1).reshaped({output.hidden_states.dim(1)})});
  }
  return outputs;
}

void BatchRun::count_prefill(Generation& generation, const StageTimings& before,
                             Clock::time_point begin) {
  generation.time_to_first_token_ms = elapsed_ms(begin);
  generation.timings = timings_between(before, parts_.call.timings());
}

bool BatchRun::admit(std::vector<BatchLoop::Token>& tokens) {
  const StageTimings before = parts_.call.timings();
  const Clock::time_point begin = Clock::now();
  const std::size_t question = num_admitted_++;
  Generation& generation = generations_[question];
  DecodeLoop loop = start_loop(parts_, prompts_[question], config_, generation);
  if (loop.ended()) {
    return false;
  }
  tokens.push_back(parts_.sequence.guarded([&] {
    if (rows_) {
      rows_->add_row(parts_.sequence.cache());
    }
    return loop_.add(question, std::move(loop));
  }));
  count_prefill(generation, before, begin);
  generation.token_ms.push_back(generation.time_to_first_token_ms);
  return true;
}

bool BatchRun::choose(const IndexedTokenCallback& callback) {
  /// The tokens are known: no step is taken.
  class NoStepper : public TokenStepper {
    Output step(std::int64_t /*token_id*/) override { return {}; }
    bool has_room() const override { return true; }
  };
  const StageTimings before = parts_.call.timings();
  const Clock::time_point begin = Clock::now();
  const std::size_t question = num_admitted_++;
  Generation& generation = generations_[question];
  DecodeLoop loop = start_loop(parts_, prompts_[question], config_, generation);
  count_prefill(generation, before, begin);
  if (loop.ended()) {
    return false;
  }
  NoStepper none;
  while (const std::optional<std::int64_t> token = loop.next(none)) {
    const StreamAction action = callback ? callback(question, *token) : StreamAction::kContinue;
    if (action != StreamAction::kContinue) {
      loop.end(action == StreamAction::kStop ? StopReason::kStopped : StopReason::kCancelled);
    }
  }
  complete_generation(generation, loop, model_.manifest().tokens);
  if (!generation.token_ids.empty()) {
    generation.token_ms.assign(generation.token_ids.size(), 0.0);
    generation.token_ms.front() = generation.time_to_first_token_ms;
  }
  ++num_ended_;
  report();
  return true;
}

std::vector<BatchLoop::Token> BatchRun::next_tokens() {
  const StageTimings before = parts_.call.timings();
  const Clock::time_point begin = Clock::now();
  std::vector<BatchLoop::Token> tokens;
  try {
    tokens = parts_.sequence.guarded([&] { return loop_.next(); });
  } catch (const RunCancelled&) {
    cancel_all();
  }
  const double step_ms = elapsed_ms(begin);
  const StageTimings added = timings_between(before, parts_.call.timings());
  for (const BatchLoop::Token& token : tokens) {
    generations_[token.question].decode_ms += step_ms;
    generations_[token.question].token_ms.push_back(step_ms);
    add_timings(generations_[token.question].timings, added);
  }
  return tokens;
}

void BatchRun::cancel_all() {
  loop_.end_all(StopReason::kCancelled);
  for (; num_admitted_ < prompts_.size(); ++num_admitted_) {
    generations_[num_admitted_].stop_reason = StopReason::kCancelled;
  }
}

void BatchRun::collect() {
  for (const BatchLoop::Ended& ended : loop_.take_ended()) {
    complete_generation(generations_[ended.question], ended.loop, model_.manifest().tokens);
    ++num_ended_;
    report();
  }
}

void BatchRun::report() const {
  parts_.call.publish();
  if (on_progress_) {
    on_progress_(static_cast<std::int64_t>(num_ended_), static_cast<std::int64_t>(prompts_.size()));
  }
}

std::vector<Generation> BatchRun::run(const IndexedTokenCallback& callback) {
  for (Generation& generation : generations_) {
    generation.seg_hidden_states = stack_rows({});
  }
  report();
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(max_rows_, 1));
  while (loop_.size() != 0 || num_admitted_ < prompts_.size()) {
    std::vector<BatchLoop::Token> tokens;
    if (loop_.size() < most && num_admitted_ < prompts_.size()) {
      const std::size_t question = num_admitted_;
      if (!(prompts_[question].choices ? choose(callback) : admit(tokens))) {
        generations_[question].stop_reason = StopReason::kCancelled;
        cancel_all();
      }
    } else if (parts_.call.is_cancelled()) {
      cancel_all();
    } else {
      tokens = next_tokens();
    }
    parts_.call.publish();
    for (const BatchLoop::Token& token : tokens) {
      const StreamAction action =
          callback ? callback(token.question, token.token_id) : StreamAction::kContinue;
      if (action != StreamAction::kContinue) {
        loop_.end(token.question,
                  action == StreamAction::kStop ? StopReason::kStopped : StopReason::kCancelled);
      }
    }
    collect();
  }
  return std::move(generations_);
}

}  // namespace

std::vector<Generation> answer_batch(const AnswerParts& parts, const std::vector<Prompt>& prompts,
                                     const GenerationConfig& config,
                                     const IndexedTokenCallback& callback) {
  return BatchRun(parts, prompts, config).run(callback);
}

}  // namespace ufvideo
