#include <algorithm>
#include <utility>

#include "core/error_message.h"
#include "session_state.h"

namespace ufvideo {

TokenStepper::Output Session::State::step(std::int64_t token_id) {
  const TokenEmbedder& embedder = model->token_embedder();
  const Tensor embedding =
      timed(timings, embedder.stem(), 1, [&] { return embedder.embed({token_id}); });
  const LanguageModel& language_model = model->language_model();
  LanguageModelOutput output = timed(timings, language_model.stem(), 1,
                                     [&] { return language_model.run(embedding, *cache); });
  return {std::move(output.logits), copied_row(output.hidden_states, 0)};
}

std::optional<Session::State::Prefill> Session::State::prefill(const Prompt& prompt) {
  const TokenFacts& tokens = model->manifest().tokens;
  const std::vector<Tensor> regions = encode_regions(prompt);
  if (take_cancel()) {
    return std::nullopt;
  }
  std::vector<std::int64_t> region_lengths;
  for (const Tensor& region : regions) {
    region_lengths.push_back(region.dim(0));
  }
  PromptLayout layout =
      lay_out_prompt(prompt.token_ids, tokens, is_image, video_tokens.dim(0), region_lengths);
  const std::int64_t max_positions = model->language_model().max_positions();
  if (layout.length > max_positions) {
    fail(ErrorCode::kOutOfMemory, "prompt: expected at most ", max_positions,
         " positions (the model's context), got ", layout.length, ", ", video_tokens.dim(0),
         " of them video");
  }
  const std::vector<std::int64_t> head(prompt.token_ids.begin(),
                                       prompt.token_ids.begin() + layout.media_index + 1);
  const bool region_in_head = std::count(head.begin(), head.end(), tokens.region_id) != 0;
  const bool reuse = !region_in_head && holds_prefix(head) && layout.length > prefix_length;
  const std::size_t first_index = reuse ? head.size() : 0;
  const std::int64_t first_position = reuse ? prefix_length : 0;
  const Tensor embeddings =
      timed(timings, model->token_embedder().stem(),
            static_cast<std::int64_t>(prompt.token_ids.size() - first_index), [&] {
              return splice_prompt(prompt.token_ids, first_index, layout, tokens,
                                   model->token_embedder(), video_tokens, regions);
            });
  return poisoning([&]() -> Prefill {
    cache->reserve_total(layout.length);
    cache->rewind(first_position);
    prefix_length = first_position;
    LanguageModelOutput output =
        timed(timings, model->language_model().stem(), embeddings.dim(0),
              [&] { return model->language_model().run(embeddings, *cache); });
    prefix_ids = region_in_head ? std::vector<std::int64_t>{} : head;
    prefix_length = region_in_head ? 0 : layout.prefix_length;
    return {std::move(layout), first_position, std::move(output)};
  });
}

void Session::State::begin_answer(const Prompt& prompt, const GenerationConfig& config) {
  config.validate();
  require_no_answer();
  require_clip("session");
  const StageTimings before = timings;
  const Clock::time_point begin = Clock::now();
  const Manifest& manifest = model->manifest();
  Answer next{
      DecodeLoop(manifest.tokens, manifest.model.seg_hidden_state, config), {}, before, 0.0};
  if (const std::optional<Prefill> filled = prefill(prompt)) {
    const Tensor& states = filled->output.hidden_states;
    next.generation.num_prefill_tokens = states.dim(0);
    next.generation.num_reused_tokens = filled->first_position;
    next.loop.start({filled->output.logits, copied_row(states, states.dim(0) - 1)});
  } else {
    next.loop.end(StopReason::kCancelled);
  }
  next.begin_ms = elapsed_ms(begin);
  answer.emplace(std::move(next));
}

std::optional<std::int64_t> Session::State::next_token() {
  if (!answer) {
    fail(ErrorCode::kInvalidState, "session: expected an answer under way, none is; call begin");
  }
  if (take_cancel()) {
    answer->loop.end(StopReason::kCancelled);
  }
  const Clock::time_point begin = Clock::now();
  const bool first = answer->loop.token_ids().empty();
  std::optional<std::int64_t> token = poisoning([&] { return answer->loop.next(*this); });
  if (first && token) {
    answer->generation.time_to_first_token_ms = answer->begin_ms + elapsed_ms(begin);
  } else if (token) {
    answer->generation.decode_ms += elapsed_ms(begin);
  }
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
  rewind_to_prefix();
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

Generation Session::teacher_force(const Prompt& prompt, std::int64_t answer_start) {
  const Entry entry(*state_);
  State& state = *state_;
  state.require_no_answer();
  state.require_clip("session");
  const TokenFacts& tokens = state.model->manifest().tokens;
  const auto num_ids = static_cast<std::int64_t>(prompt.token_ids.size());
  const auto media =
      std::find(prompt.token_ids.begin(), prompt.token_ids.end(),
                state.is_image ? tokens.image_placeholder_id : tokens.video_placeholder_id);
  // A [SEG] is predicted by the position before it, which must not lie in the reused prefix.
  const std::int64_t first_answer_start = media - prompt.token_ids.begin() + 2;
  if (media != prompt.token_ids.end() &&
      (answer_start < first_answer_start || answer_start >= num_ids)) {
    fail(ErrorCode::kInvalidInput, "teacher_force: answer_start: expected ", first_answer_start,
         " (a question behind the video's placeholder) to ", num_ids - 1, ", got ", answer_start);
  }
  const StageTimings before = state.timings;
  const Clock::time_point begin = Clock::now();
  Generation generation;
  const std::optional<State::Prefill> filled = state.prefill(prompt);
  if (!filled) {
    generation.stop_reason = StopReason::kCancelled;
    generation.seg_hidden_states = stack_rows({});
    return generation;
  }
  generation.stop_reason = StopReason::kEndToken;
  generation.token_ids.assign(prompt.token_ids.begin() + answer_start, prompt.token_ids.end());
  std::vector<Tensor> states;
  for (std::int64_t i = answer_start; i < num_ids; ++i) {
    if (prompt.token_ids[i] == tokens.seg_id) {
      generation.seg_positions.push_back(i - answer_start);
      states.push_back(copied_row(filled->output.hidden_states,
                                  filled->layout.positions[i] - 1 - filled->first_position));
    }
  }
  generation.seg_hidden_states = stack_rows(states);
  generation.spans = find_spans(generation.token_ids, tokens.time_first_id, tokens.num_time_tokens);
  generation.num_prefill_tokens = filled->output.hidden_states.dim(0);
  generation.num_reused_tokens = filled->first_position;
  generation.time_to_first_token_ms = elapsed_ms(begin);
  generation.timings = timings_between(before, state.timings);
  state.rewind_to_prefix();
  return generation;
}

Generation Session::generate(const Prompt& prompt, const GenerationConfig& config,
                             const TokenCallback& callback) {
  const Entry entry(*state_);
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
