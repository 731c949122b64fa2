#include <algorithm>
#include <utility>

#include "base/error_message.h"
#include "session/session_state.h"

namespace ufvideo {

TokenStepper::Output Session::State::step(std::int64_t token_id) {
  const TokenEmbedder& embedder = model->token_embedder();
  const Tensor embedding =
      timed(timings, embedder.stem(), 1, [&] { return embedder.embed({token_id}); });
  const LanguageModel& language_model = model->language_model();
  LanguageModelOutput output = timed(timings, language_model.stem(), 1,
                                     [&] { return language_model.run(embedding, *cache); });
  held.append(token_id);
  return {std::move(output.logits), output.hidden_states.reshaped({output.hidden_states.dim(1)})};
}

void Session::State::begin_answer(const Prompt& prompt, const GenerationConfig& config) {
  config.validate();
  require_no_answer();
  require_clip("session");
  check_answer_format(prompt, config);
  const Clock::time_point begin = Clock::now();
  const Manifest& manifest = model->manifest();
  DecodeLoop loop(manifest.tokens, manifest.model.seg_hidden_state, config, prompt.answer_format);
  answer.emplace(Answer{prompt, config, call, std::move(loop), Generation{}, timings, 0.0});
  answer->begin_ms = elapsed_ms(begin);
}

void Session::State::prefill_answer() {
  try {
    answer->loop = start_loop(*answer->prompt, answer->config, answer->generation);
  } catch (...) {
    answer.reset();
    throw;
  }
  answer->prompt.reset();
}

DecodeLoop Session::State::start_loop(const Prompt& prompt, const GenerationConfig& config,
                                      Generation& generation) {
  const Manifest& manifest = model->manifest();
  DecodeLoop loop(manifest.tokens, manifest.model.seg_hidden_state, config, prompt.answer_format);
  const auto last_position = [](const PromptLayout& layout) {
    return std::vector<std::int64_t>{layout.length - 1};
  };
  if (const std::optional<Prefill> filled = prefill(prompt, last_position)) {
    generation.num_prefill_tokens = filled->num_new;
    generation.num_reused_tokens = filled->num_reused;
    if (!prompt.choices) {
      loop.start({filled->output.logits, filled->output.states.front()}, prompt.token_ids);
    } else if (const auto scores =
                   score(*prompt.choices, filled->output.logits, config.max_new_tokens)) {
      generation.choice = scores->best();
      generation.choice_log_probabilities = scores->log_probabilities;
      const std::size_t spelling = scores->spellings[scores->best()];
      loop.start_with(prompt.choices->spellings()[spelling].token_ids);
    } else {
      loop.end(StopReason::kCancelled);
    }
  } else {
    loop.end(StopReason::kCancelled);
  }
  return loop;
}

std::optional<std::int64_t> Session::State::next_token() {
  if (!answer) {
    fail(ErrorCode::kInvalidState, "session: expected an answer under way, none is; call begin");
  }
  const Clock::time_point begin = Clock::now();
  if (answer->prompt && !answer->loop.ended()) {
    prefill_answer();
  }
  if (is_cancelled()) {
    answer->loop.end(StopReason::kCancelled);
  }
  const bool first = answer->loop.token_ids().empty();
  std::optional<std::int64_t> token;
  try {
    token = poisoning([&] { return answer->loop.next(*this); });
  } catch (const RunCancelled&) {
    answer->loop.end(StopReason::kCancelled);
  }
  if (first && token) {
    answer->generation.time_to_first_token_ms = answer->begin_ms + elapsed_ms(begin);
  } else if (token && !answer->loop.is_known()) {
    answer->generation.decode_ms += elapsed_ms(begin);
  }
  publish();
  return token;
}

Generation Session::State::finish_answer() {
  if (!answer) {
    fail(ErrorCode::kInvalidState, "session: expected an answer under way, none is; call begin");
  }
  DecodeLoop& loop = answer->loop;
  loop.end(StopReason::kStopped);
  Generation generation = std::move(answer->generation);
  complete(generation, loop);
  generation.timings = timings_between(answer->timings_before, timings);
  answer.reset();
  return generation;
}

void Session::State::complete(Generation& generation, const DecodeLoop& loop) const {
  generation.token_ids = loop.token_ids();
  generation.stop_reason = loop.stop_reason();
  generation.seg_positions = loop.seg_positions();
  generation.seg_hidden_states = loop.seg_hidden_states();
  const TokenFacts& tokens = model->manifest().tokens;
  generation.spans = find_spans(generation.token_ids, tokens.time_first_id, tokens.num_time_tokens);
}

Generation Session::teacher_force(const Prompt& prompt, std::int64_t answer_start,
                                  const CallOptions& options) {
  const Entry entry(*state_, &options);
  State& state = *state_;
  state.require_no_answer();
  state.require_clip("session");
  const TokenFacts& tokens = state.model->manifest().tokens;
  const auto num_ids = static_cast<std::int64_t>(prompt.token_ids.size());
  const auto media =
      std::find(prompt.token_ids.begin(), prompt.token_ids.end(),
                state.is_image ? tokens.image_placeholder_id : tokens.video_placeholder_id);
  // A [SEG] is predicted by the position before it, which must not lie in the video.
  const std::int64_t first_answer_start = media - prompt.token_ids.begin() + 2;
  if (media != prompt.token_ids.end() &&
      (answer_start < first_answer_start || answer_start >= num_ids)) {
    fail(ErrorCode::kInvalidInput, "teacher_force: answer_start: expected ", first_answer_start,
         " (a question behind the video's placeholder) to ", num_ids - 1, ", got ", answer_start);
  }
  const StageTimings before = state.timings;
  const Clock::time_point begin = Clock::now();
  Generation generation;
  std::vector<std::int64_t> seg_idxs;
  for (std::int64_t i = answer_start; i < num_ids; ++i) {
    if (prompt.token_ids[i] == tokens.seg_id) {
      seg_idxs.push_back(i);
    }
  }
  const auto before_each_seg = [&](const PromptLayout& layout) {
    std::vector<std::int64_t> positions;
    for (const std::int64_t i : seg_idxs) {
      positions.push_back(layout.positions[i] - 1);
    }
    return positions;
  };
  const std::optional<State::Prefill> filled = state.prefill(prompt, before_each_seg);
  if (!filled) {
    generation.stop_reason = StopReason::kCancelled;
    generation.seg_hidden_states = stack_rows({});
    return generation;
  }
  generation.stop_reason = StopReason::kEndToken;
  generation.token_ids.assign(prompt.token_ids.begin() + answer_start, prompt.token_ids.end());
  for (const std::int64_t i : seg_idxs) {
    generation.seg_positions.push_back(i - answer_start);
  }
  generation.seg_hidden_states = stack_rows(filled->output.states);
  generation.spans = find_spans(generation.token_ids, tokens.time_first_id, tokens.num_time_tokens);
  generation.num_prefill_tokens = filled->num_new;
  generation.num_reused_tokens = filled->num_reused;
  generation.time_to_first_token_ms = elapsed_ms(begin);
  generation.timings = timings_between(before, state.timings);
  return generation;
}

Generation Session::generate(const Prompt& prompt, const GenerationConfig& config,
                             const TokenCallback& callback, const CallOptions& options) {
  const Entry entry(*state_, &options);
  State& state = *state_;
  state.begin_answer(prompt, config);
  while (const std::optional<std::int64_t> token = state.next_token()) {
    if (!callback) {
      continue;
    }
    StreamAction action = StreamAction::kContinue;
    try {
      action = callback(*token);
    } catch (...) {
      state.answer.reset();
      throw;
    }
    if (action != StreamAction::kContinue) {
      state.answer->loop.end(action == StreamAction::kStop ? StopReason::kStopped
                                                           : StopReason::kCancelled);
    }
  }
  return state.finish_answer();
}

}  // namespace ufvideo
