#include <algorithm>

#include "base/error_message.h"
#include "decode/choice_scorer.h"
#include "session/session_state.h"

namespace ufvideo {

void Session::State::check_choices(const Prompt& prompt, const GenerationConfig& config) const {
  if (!prompt.choices) {
    return;
  }
  const Manifest& manifest = model->manifest();
  if (prompt.choices->vocab_size() != manifest.model.vocab_size) {
    fail(ErrorCode::kInvalidInput, "prompt: choices: expected them for this model's vocabulary of ",
         manifest.model.vocab_size, " tokens, got some for ", prompt.choices->vocab_size());
  }
  if (prompt.answer_format) {
    fail(ErrorCode::kInvalidInput, "prompt: choices: expected no answer_format beside them");
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

std::optional<ChoiceScores> Session::State::score(const ChoiceTree& choices,
                                                  const Tensor& prompt_logits,
                                                  std::int64_t most_tokens) {
  const std::int64_t num_prompt = cache->length();
  // The last token of a spelling is not fed.
  const std::int64_t room = model->language_model().max_positions() - num_prompt + 1;
  const TokenEmbedder& embedder = model->token_embedder();
  const LanguageModel& language_model = model->language_model();
  const auto feed_token = [&](std::int64_t num_kept,
                              std::int64_t token_id) -> std::optional<Tensor> {
    if (is_cancelled()) {
      return std::nullopt;
    }
    cache->rewind(num_prompt + num_kept);
    const Tensor embedding =
        timed(timings, embedder.stem(), 1, [&] { return embedder.embed({token_id}); });
    return timed(timings, language_model.stem(), 1,
                 [&] { return language_model.run(embedding, *cache).logits; });
  };
  const auto score_all = [&] {
    try {
      std::optional<ChoiceScores> scores =
          score_choices(choices, prompt_logits, std::min(most_tokens, room), feed_token);
      cache->rewind(num_prompt);
      return scores;
    } catch (...) {
      // Less is held where memory ran out while the cache grew.
      cache->rewind(std::min(cache->length(), num_prompt));
      throw;
    }
  };
  try {
    return poisoning(score_all);
  } catch (const RunCancelled&) {
    return std::nullopt;
  }
}

}  // namespace ufvideo
