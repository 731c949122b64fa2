#include "session/sequence.h"

#include <algorithm>
#include <utility>

#include "base/error_message.h"
#include "base/stage_clock.h"
#include "decode/choice_scorer.h"
#include "session/prompt_checks.h"
#include "session/saved_clip.h"
#include "tensor/device_memory.h"

namespace ufvideo {
namespace {

/// A layer's keys or values, [1, kv, n, head], of all layers' [L, kv, n, head].
Tensor layer_of(const Tensor& all, int layer) { return all.rows(layer, layer + 1); }

}  // namespace

Sequence::Sequence(const Model& model, CallContext& call)
    : model_(model),
      call_(call),
      cache_(model.language_model().make_cache()),
      held_(model.manifest().tokens.region_id, model.manifest().tokens.video_placeholder_id) {}

PromptLayout Sequence::laid_out(const Prompt& prompt, const PromptMedia& media) const {
  std::vector<std::int64_t> region_lengths;
  for (const Tensor& region : media.region_tokens) {
    region_lengths.push_back(region.dim(0));
  }
  const std::int64_t num_video_tokens = media.video_tokens.dim(0);
  PromptLayout layout = lay_out_prompt(prompt.token_ids, model_.manifest().tokens, media.is_image,
                                       num_video_tokens, region_lengths);
  check_token_ids(prompt, layout, model_.manifest().model.vocab_size);
  check_room(prompt, layout, model_.language_model().max_positions(), num_video_tokens);
  return layout;
}

Sequence::Reuse Sequence::reusable(const Prompt& prompt, const PromptMedia& media,
                                   const PromptLayout& layout, std::int64_t first_needed) const {
  const HeldTokens::Shared shared =
      held_.num_shared(prompt.token_ids, media.region_tokens, media.pair_ids);
  const auto position_of = [&](std::size_t index) {
    return index < layout.positions.size() ? layout.positions[index] : layout.length;
  };
  Reuse reuse{shared.num_ids, shared.num_pairs, 0, 0};
  if (shared.num_pairs != 0) {
    const auto num_pairs = static_cast<std::int64_t>(media.pair_ids.size());
    reuse.num_media =
        static_cast<std::int64_t>(shared.num_pairs) * (media.video_tokens.dim(0) / num_pairs);
  }
  while (position_of(reuse.num_ids) > first_needed) {
    --reuse.num_ids;
  }
  reuse.num_positions = position_of(reuse.num_ids) + reuse.num_media;
  return reuse;
}

Sequence::Prefill Sequence::prefill(const Prompt& prompt, const PromptMedia& media,
                                    const WantedStates& wanted_states) {
  const PromptLayout layout = laid_out(prompt, media);
  std::vector<std::int64_t> wanted = wanted_states(layout);
  // Positions that are held have neither logits nor states: these are fed in any case.
  const std::int64_t first_needed = wanted.empty() ? layout.length - 1 : wanted.front();
  const Reuse reuse = reusable(prompt, media, layout, first_needed);
  const std::int64_t num_reused = reuse.num_positions;
  for (std::int64_t& position : wanted) {
    position -= num_reused;
  }
  const std::int64_t num_media = media.video_tokens.dim(0);
  const TokenEmbedder& embedder = model_.token_embedder();
  const auto embed = [&](const std::vector<std::int64_t>& token_ids) {
    return timed(call_.timings(), embedder.stem(), static_cast<std::int64_t>(token_ids.size()),
                 [&] { return embedder.embed(token_ids); });
  };
  // Of a placeholder that is held in part they begin with the rest.
  const PromptEmbeddings embeddings(
      prompt.token_ids, reuse.num_ids, layout, model_.manifest().tokens.region_id,
      {embed, media.video_tokens.rows(reuse.num_media, num_media), media.region_tokens});
  return guarded([&]() -> Prefill {
    cache_->rewind(num_reused);
    held_.keep(reuse.num_ids, reuse.num_pairs);
    try {
      PrefillOutput output = feed(embeddings, wanted);
      held_.hold(prompt.token_ids, media.region_tokens, media.pair_ids);
      return {num_reused, layout.length - num_reused, std::move(output)};
    } catch (const NotFiniteError&) {
      cache_->rewind(num_reused);
      throw;
    } catch (const RunCancelled&) {
      cache_->rewind(num_reused);
      throw;
    } catch (const ProgressFailed&) {
      cache_->rewind(num_reused);
      throw;
    }
  });
}

void Sequence::keep_up(const std::vector<std::int64_t>& prefix_ids, const PromptMedia& media) {
  if (holds(prefix_ids, media.pair_ids)) {
    return;
  }
  // The caller is told of the prompt alone.
  ProgressCallback on_progress = call_.take_progress();
  prefill({prefix_ids, {}, {}, {}}, media,
          [](const PromptLayout&) { return std::vector<std::int64_t>{}; });
  call_.tell_progress_to(std::move(on_progress));
}

PrefillOutput Sequence::feed(const PromptEmbeddings& embeddings,
                             const std::vector<std::int64_t>& wanted_rows) {
  const std::int64_t num_positions = embeddings.length();
  // All of it at once: growing with each chunk would hold the cache twice again and again.
  cache_->reserve(num_positions);
  const LanguageModel& language_model = model_.language_model();
  std::int64_t num_fed = 0;
  const auto report_fed = [&] {
    try {
      call_.report(num_fed, num_positions);
    } catch (...) {
      throw ProgressFailed(std::current_exception());
    }
  };
  const auto embed = [&](std::int64_t begin, std::int64_t end) {
    return embeddings.rows(begin, end);
  };
  const auto run = [&](const Tensor& chunk) -> ChunkOutput {
    LanguageModelOutput output = timed(call_.timings(), language_model.stem(), chunk.dim(0),
                                       [&] { return language_model.run(chunk, *cache_); });
    num_fed += chunk.dim(0);
    report_fed();
    return {std::move(output.logits), std::move(output.hidden_states)};
  };
  report_fed();
  std::optional<PrefillOutput> output =
      feed_in_chunks(wanted_rows, {model_.config().prefill_chunk_tokens, num_positions, embed, run,
                                   [this] { return call_.is_cancelled(); }});
  if (!output) {
    throw RunCancelled();
  }
  return std::move(*output);
}

TokenStepper::Output Sequence::step(std::int64_t token_id) {
  const TokenEmbedder& embedder = model_.token_embedder();
  const Tensor embedding =
      timed(call_.timings(), embedder.stem(), 1, [&] { return embedder.embed({token_id}); });
  const LanguageModel& language_model = model_.language_model();
  LanguageModelOutput output = timed(call_.timings(), language_model.stem(), 1,
                                     [&] { return language_model.run(embedding, *cache_); });
  held_.append(token_id);
  return {std::move(output.logits), output.hidden_states.reshaped({output.hidden_states.dim(1)})};
}

bool Sequence::has_room() const {
  return cache_->length() < model_.language_model().max_positions();
}

std::optional<ChoiceScores> Sequence::score(const ChoiceTree& choices, const Tensor& prompt_logits,
                                            std::int64_t most_tokens) {
  const std::int64_t num_prompt = cache_->length();
  // The last token of a spelling is not fed.
  const std::int64_t room = model_.language_model().max_positions() - num_prompt + 1;
  const TokenEmbedder& embedder = model_.token_embedder();
  const LanguageModel& language_model = model_.language_model();
  const auto feed_token = [&](std::int64_t num_kept,
                              std::int64_t token_id) -> std::optional<Tensor> {
    if (call_.is_cancelled()) {
      return std::nullopt;
    }
    cache_->rewind(num_prompt + num_kept);
    const Tensor embedding =
        timed(call_.timings(), embedder.stem(), 1, [&] { return embedder.embed({token_id}); });
    return timed(call_.timings(), language_model.stem(), 1,
                 [&] { return language_model.run(embedding, *cache_).logits; });
  };
  const auto score_all = [&] {
    try {
      std::optional<ChoiceScores> scores =
          score_choices(choices, prompt_logits, std::min(most_tokens, room), feed_token);
      cache_->rewind(num_prompt);
      return scores;
    } catch (...) {
      // Less is held if memory ran out while the cache grew.
      cache_->rewind(std::min(cache_->length(), num_prompt));
      throw;
    }
  };
  try {
    return guarded(score_all);
  } catch (const RunCancelled&) {
    return std::nullopt;
  }
}

bool Sequence::holds(const std::vector<std::int64_t>& token_ids,
                     const std::vector<std::int64_t>& pair_ids) const {
  return held_.num_shared(token_ids, {}, pair_ids).num_ids == token_ids.size();
}

void Sequence::check_saved(const SavedClip& saved) const {
  check_prefix_ids(saved, model_.manifest());
  const KvCacheSizes& sizes = *cache_->sizes();
  const std::int64_t positions =
      static_cast<std::int64_t>(saved.prefix_ids.size()) - 1 + saved.video_tokens.dim(0);
  const Shape shape{sizes.num_layers, sizes.num_key_value_heads, positions, sizes.head_dim};
  check_saved_tensor("keys", saved.keys, sizes.dtype, shape);
  check_saved_tensor("values", saved.values, sizes.dtype, shape);
  if (positions > sizes.max_positions) {
    fail(ErrorCode::kInvalidInput, "saved clip: prefix_ids: expected at most ", sizes.max_positions,
         " positions (the model's context), got ", positions);
  }
}

void Sequence::restore(const SavedClip& saved) {
  const std::int64_t num_positions = saved.keys.dim(2);
  cache_->reserve_total(num_positions);
  for (int layer = 0; layer < cache_->sizes()->num_layers; ++layer) {
    copy_positions(layer_of(saved.keys, layer), 0, cache_->keys(layer), 0, num_positions);
    copy_positions(layer_of(saved.values, layer), 0, cache_->values(layer), 0, num_positions);
  }
  cache_->advance(num_positions);
  held_.hold(saved.prefix_ids, {}, {});
}

void Sequence::save_to(SavedClip& saved, std::int64_t num_positions) const {
  const KvCacheSizes& sizes = *cache_->sizes();
  const Shape shape{sizes.num_layers, sizes.num_key_value_heads, num_positions, sizes.head_dim};
  saved.keys = Tensor(sizes.dtype, shape);
  saved.values = Tensor(sizes.dtype, shape);
  for (int layer = 0; layer < sizes.num_layers; ++layer) {
    copy_positions(cache_->keys(layer), 0, layer_of(saved.keys, layer), 0, num_positions);
    copy_positions(cache_->values(layer), 0, layer_of(saved.values, layer), 0, num_positions);
  }
}

void Sequence::clear() {
  held_.keep(0);
  cache_ = model_.language_model().make_cache();
  poisoned_ = false;
}

}  // namespace ufvideo
