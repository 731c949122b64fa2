#include "session/prompt_checks.h"

#include "base/error_message.h"

namespace ufvideo {
namespace {

void check_choices(const Prompt& prompt, const GenerationConfig& config, const Manifest& manifest) {
  if (prompt.choices->vocab_size() != manifest.model.vocab_size) {
    fail(ErrorCode::kInvalidInput, "prompt: choices: expected them for this model's vocabulary of ",
         manifest.model.vocab_size, " tokens, got some for ", prompt.choices->vocab_size());
  }
  if (prompt.response_format) {
    fail(ErrorCode::kInvalidInput, "prompt: choices: expected no response_format beside them");
  }
  if (config.temperature > 0 || config.repetition_penalty != 1.0) {
    fail(ErrorCode::kInvalidInput,
         "prompt: choices: expected temperature 0 and repetition_penalty 1, choices are scored and "
         "not sampled, got ",
         config.temperature, " and ", config.repetition_penalty);
  }
  if (prompt.choices->longest() > config.max_new_tokens) {
    fail(ErrorCode::kInvalidConfig, "max_new_tokens: expected ", prompt.choices->longest(),
         " or more, the tokens of the longest of the choices, got ", config.max_new_tokens);
  }
}

}  // namespace

void check_constraint(const Prompt& prompt, const GenerationConfig& config,
                      const Manifest& manifest) {
  if (config.min_new_tokens > 0 && (prompt.choices || prompt.response_format)) {
    fail(ErrorCode::kInvalidInput,
         "min_new_tokens: expected 0 beside choices or a response format, which say where an "
         "answer ends, got ",
         config.min_new_tokens);
  }
  if (prompt.choices) {
    check_choices(prompt, config, manifest);
  }
  if (!prompt.response_format) {
    return;
  }
  const TokenAutomaton& format = *prompt.response_format;
  if (format.vocab_size() != manifest.model.vocab_size ||
      format.end_ids() != manifest.tokens.end_ids) {
    fail(ErrorCode::kInvalidInput,
         "prompt: response_format: expected an automaton for this model's vocabulary of ",
         manifest.model.vocab_size, " tokens and its end tokens, got one for ", format.vocab_size(),
         " tokens or other ends");
  }
  if (format.longest() && *format.longest() > config.max_new_tokens) {
    fail(ErrorCode::kInvalidConfig, "max_new_tokens: expected ", *format.longest(),
         " or more, the longest answer in the format asked for, got ", config.max_new_tokens);
  }
}

void check_token_ids(const Prompt& prompt, const PromptLayout& layout, int vocab_size) {
  for (std::size_t i = 0; i < prompt.token_ids.size(); ++i) {
    const std::int64_t token_id = prompt.token_ids[i];
    if (i != layout.media_index && (token_id < 0 || token_id >= vocab_size)) {
      fail(ErrorCode::kInvalidInput, "prompt: token_ids[", i, "]: expected 0 to ", vocab_size - 1,
           ", got ", token_id);
    }
  }
}

void check_room(const Prompt& prompt, const PromptLayout& layout, std::int64_t max_positions,
                std::int64_t num_video_tokens) {
  if (layout.length > max_positions) {
    fail(ErrorCode::kOutOfMemory, "prompt: expected at most ", max_positions,
         " positions (the model's context), got ", layout.length, ", ", num_video_tokens,
         " of them video");
  }
  // The last token of an answer is not fed.
  const std::int64_t of_format =
      prompt.response_format ? prompt.response_format->longest().value_or(1) : 1;
  const std::int64_t longest = prompt.choices ? prompt.choices->longest() : of_format;
  if (layout.length + longest - 1 > max_positions) {
    fail(ErrorCode::kOutOfMemory, "prompt: expected at most ", max_positions,
         " positions (the model's context) with an answer of ", longest,
         " tokens, the longest in the format asked for, got ", layout.length);
  }
}

}  // namespace ufvideo
