#include "session/answer_run.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/stage_clock.h"
#include "session/prompt_checks.h"

namespace ufvideo {
namespace {

Prompt checked(Prompt prompt, const GenerationConfig& config, const Manifest& manifest) {
  check_constraint(prompt, config, manifest);
  return prompt;
}

DecodeLoop make_loop(const Manifest& manifest, const GenerationConfig& config,
                     const Prompt& prompt) {
  return DecodeLoop(manifest.tokens, manifest.model.seg_hidden_state, config,
                    prompt.response_format);
}

/// The ids of a prompt up to the video's placeholder.
std::vector<std::int64_t> prefix_of(const Prompt& prompt, std::int64_t video_id) {
  const auto video = std::find(prompt.token_ids.begin(), prompt.token_ids.end(), video_id);
  return {prompt.token_ids.begin(), video + 1};
}

}  // namespace

std::optional<Sequence::Prefill> prefill_prompt(const AnswerParts& parts, const Prompt& prompt,
                                                const Sequence::WantedStates& wanted_states) {
  if (parts.call.is_cancelled()) {
    return std::nullopt;
  }
  try {
    PromptMedia media{parts.clip.is_image(), parts.clip.video_tokens(),
                      parts.clip.encode_regions(prompt), parts.clip.pair_ids()};
    if (parts.call.is_cancelled()) {
      return std::nullopt;
    }
    Sequence::Prefill filled = parts.sequence.prefill(prompt, media, wanted_states);
    if (const auto next = parts.clip.next_media(); next && parts.next_sequence != nullptr) {
      const std::int64_t video_id = parts.model.manifest().tokens.video_placeholder_id;
      parts.next_sequence->keep_up(prefix_of(prompt, video_id), *next);
    }
    return filled;
  } catch (const RunCancelled&) {
    return std::nullopt;
  } catch (const ProgressFailed& failed) {
    std::rethrow_exception(failed.cause);
  }
}

DecodeLoop start_loop(const AnswerParts& parts, const Prompt& prompt,
                      const GenerationConfig& config, Generation& generation) {
  DecodeLoop loop = make_loop(parts.model.manifest(), config, prompt);
  const auto last_position = [](const PromptLayout& layout) {
    return std::vector<std::int64_t>{layout.length - 1};
  };
  const std::optional<Sequence::Prefill> filled = prefill_prompt(parts, prompt, last_position);
  if (!filled) {
    loop.end(StopReason::kCancelled);
    return loop;
  }
  generation.num_prefill_tokens = filled->num_new;
  generation.num_reused_tokens = filled->num_reused;
  if (!prompt.choices) {
    loop.start({filled->output.logits, filled->output.states.front()}, prompt.token_ids);
    return loop;
  }
  const std::optional<ChoiceScores> scores =
      parts.sequence.score(*prompt.choices, filled->output.logits, config.max_new_tokens);
  if (!scores) {
    loop.end(StopReason::kCancelled);
    return loop;
  }
  generation.choice = scores->best();
  generation.choice_log_probabilities = scores->log_probabilities;
  const std::size_t spelling = scores->spellings[scores->best()];
  loop.start_with(prompt.choices->spellings()[spelling].token_ids);
  return loop;
}

void complete_generation(Generation& generation, const DecodeLoop& loop,
                         const TokenConfig& tokens) {
  generation.token_ids = loop.token_ids();
  generation.stop_reason = loop.stop_reason();
  generation.seg_positions = loop.seg_positions();
  generation.seg_hidden_states = loop.seg_hidden_states();
  generation.spans = find_spans(generation.token_ids, tokens.time_first_id, tokens.num_time_tokens);
}

AnswerRun::AnswerRun(const AnswerParts& parts, Prompt prompt, GenerationConfig config)
    : parts_(parts),
      begun_(Clock::now()),
      prompt_(checked(std::move(prompt), config, parts.model.manifest())),
      config_(config),
      call_options_(parts.call.options()),
      timings_before_(parts.call.timings()),
      loop_(make_loop(parts.model.manifest(), config, *prompt_)),
      begin_ms_(elapsed_ms(begun_)) {}

std::optional<std::int64_t> AnswerRun::next() {
  const Clock::time_point begin = Clock::now();
  if (prompt_ && !loop_.ended()) {
    loop_ = start_loop(parts_, *prompt_, config_, generation_);
    prompt_.reset();
  }
  if (parts_.call.is_cancelled()) {
    loop_.end(StopReason::kCancelled);
  }
  const bool first = loop_.token_ids().empty();
  std::optional<std::int64_t> token;
  try {
    token = parts_.sequence.guarded([&] { return loop_.next(parts_.sequence); });
  } catch (const RunCancelled&) {
    loop_.end(StopReason::kCancelled);
  }
  if (first && token) {
    generation_.time_to_first_token_ms = begin_ms_ + elapsed_ms(begin);
    generation_.token_ms.push_back(generation_.time_to_first_token_ms);
  } else if (token) {
    generation_.token_ms.push_back(loop_.is_known() ? 0.0 : elapsed_ms(begin));
    generation_.decode_ms += generation_.token_ms.back();
  }
  parts_.call.publish();
  return token;
}

Generation AnswerRun::finish() {
  loop_.end(StopReason::kStopped);
  Generation generation = std::move(generation_);
  complete_generation(generation, loop_, parts_.model.manifest().tokens);
  generation.timings = timings_between(timings_before_, parts_.call.timings());
  return generation;
}

}  // namespace ufvideo
