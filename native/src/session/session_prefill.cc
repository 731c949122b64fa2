#include <algorithm>
#include <utility>

#include "base/error_message.h"
#include "session/session_state.h"

namespace ufvideo {

void Session::State::check_answer_format(const Prompt& prompt,
                                         const GenerationConfig& config) const {
  check_choices(prompt, config);
  if (!prompt.answer_format) {
    return;
  }
  const TokenAutomaton& format = *prompt.answer_format;
  const Manifest& manifest = model->manifest();
  if (format.vocab_size() != manifest.model.vocab_size ||
      format.end_ids() != manifest.tokens.end_ids) {
    fail(ErrorCode::kInvalidInput,
         "prompt: answer_format: expected an automaton for this model's vocabulary of ",
         manifest.model.vocab_size, " tokens and its end tokens, got one for ", format.vocab_size(),
         " tokens or other ends");
  }
  if (format.longest() && *format.longest() > config.max_new_tokens) {
    fail(ErrorCode::kInvalidConfig, "max_new_tokens: expected ", *format.longest(),
         " or more, the longest answer in the format asked for, got ", config.max_new_tokens);
  }
}

void Session::State::check_room(const Prompt& prompt, const PromptLayout& layout) const {
  const std::int64_t max_positions = model->language_model().max_positions();
  if (layout.length > max_positions) {
    fail(ErrorCode::kOutOfMemory, "prompt: expected at most ", max_positions,
         " positions (the model's context), got ", layout.length, ", ", video_tokens.dim(0),
         " of them video");
  }
  // The last token of an answer is not fed.
  const std::int64_t of_format =
      prompt.answer_format ? prompt.answer_format->longest().value_or(1) : 1;
  const std::int64_t longest = prompt.choices ? prompt.choices->longest() : of_format;
  if (layout.length + longest - 1 > max_positions) {
    fail(ErrorCode::kOutOfMemory, "prompt: expected at most ", max_positions,
         " positions (the model's context) with an answer of ", longest,
         " tokens, the longest in the format asked for, got ", layout.length);
  }
}

PromptLayout Session::State::laid_out(const Prompt& prompt,
                                      const std::vector<Tensor>& regions) const {
  std::vector<std::int64_t> region_lengths;
  for (const Tensor& region : regions) {
    region_lengths.push_back(region.dim(0));
  }
  PromptLayout layout = lay_out_prompt(prompt.token_ids, model->manifest().tokens, is_image,
                                       video_tokens.dim(0), region_lengths);
  check_room(prompt, layout);
  return layout;
}

std::optional<Session::State::Prefill> Session::State::prefill(const Prompt& prompt,
                                                               const WantedStates& wanted_states) {
  try {
    return prefill_or_throw(prompt, wanted_states);
  } catch (const RunCancelled&) {
    return std::nullopt;
  } catch (const ProgressFailed& failed) {
    std::rethrow_exception(failed.cause);
  }
}

std::optional<Session::State::Prefill> Session::State::prefill_or_throw(
    const Prompt& prompt, const WantedStates& wanted_states) {
  if (is_cancelled()) {
    return std::nullopt;
  }
  const std::vector<Tensor> regions = encode_regions(prompt);
  if (is_cancelled()) {
    return std::nullopt;
  }
  const PromptLayout layout = laid_out(prompt, regions);
  std::vector<std::int64_t> wanted = wanted_states(layout);
  // What is held gives neither logits nor states: these positions are fed in any case.
  const std::int64_t first_needed = wanted.empty() ? layout.length - 1 : wanted.front();
  std::size_t first_index = held.num_shared(prompt.token_ids, regions);
  const auto position_of = [&](std::size_t index) {
    return index < layout.positions.size() ? layout.positions[index] : layout.length;
  };
  while (position_of(first_index) > first_needed) {
    --first_index;
  }
  const std::int64_t num_reused = position_of(first_index);
  for (std::int64_t& position : wanted) {
    position -= num_reused;
  }
  const TokenEmbedder& embedder = model->token_embedder();
  const Tensor embeddings =
      timed(timings, embedder.stem(),
            static_cast<std::int64_t>(prompt.token_ids.size() - first_index), [&] {
              return splice_prompt(prompt.token_ids, first_index, layout, model->manifest().tokens,
                                   embedder, video_tokens, regions);
            });
  return poisoning([&]() -> std::optional<Prefill> {
    cache->rewind(num_reused);
    held.keep(first_index);
    std::optional<PrefillOutput> output;
    try {
      output = feed(embeddings, wanted);
    } catch (const NotFiniteError&) {
      cache->rewind(num_reused);
      throw;
    } catch (const RunCancelled&) {
      cache->rewind(num_reused);
      throw;
    } catch (const ProgressFailed&) {
      cache->rewind(num_reused);
      throw;
    }
    if (!output) {
      cache->rewind(num_reused);
      return std::nullopt;
    }
    held.hold(prompt.token_ids, regions);
    return Prefill{num_reused, layout.length - num_reused, std::move(*output)};
  });
}

std::optional<PrefillOutput> Session::State::feed(const Tensor& embeddings,
                                                  const std::vector<std::int64_t>& wanted_rows) {
  // All of it at once: growing with each piece would hold the cache twice again and again.
  cache->reserve(embeddings.dim(0));
  const LanguageModel& language_model = model->language_model();
  std::int64_t num_fed = 0;
  const auto report_fed = [&] {
    try {
      report(num_fed, embeddings.dim(0));
    } catch (...) {
      throw ProgressFailed(std::current_exception());
    }
  };
  const auto run = [&](const Tensor& piece) {
    LanguageModelOutput output = timed(timings, language_model.stem(), piece.dim(0),
                                       [&] { return language_model.run(piece, *cache); });
    num_fed += piece.dim(0);
    report_fed();
    return output;
  };
  report_fed();
  return feed_in_chunks(
      embeddings, wanted_rows,
      {model->config().prefill_chunk_tokens, run, [this] { return is_cancelled(); }});
}

}  // namespace ufvideo
