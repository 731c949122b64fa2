#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/call_context.h"
#include "base/cancellation.h"
#include "decode/chunked_prefill.h"
#include "decode/decode_loop.h"
#include "decode/prompt_embeddings.h"
#include "kv/held_tokens.h"
#include "kv/kv_cache.h"
#include "session/prompt_media.h"
#include "tensor/finite.h"
#include "ufvideo/choices.h"
#include "ufvideo/error.h"
#include "ufvideo/model.h"
#include "ufvideo/session.h"

namespace ufvideo {

/// What a caller's progress function threw while the KV cache was being written.
struct ProgressFailed : std::exception {
  explicit ProgressFailed(std::exception_ptr what_came) : cause(std::move(what_came)) {}
  std::exception_ptr cause;
};

/// One sequence of the language model: its KV cache and the tokens that the cache holds. A prompt
/// is computed from where it differs from these.
class Sequence : public TokenStepper {
 public:
  Sequence(const Model& model, CallContext& call);

  struct Prefill {
    std::int64_t num_reused;
    std::int64_t num_new;
    PrefillOutput output;
  };
  /// Positions, ascending, whose states a caller wants.
  using WantedStates = std::function<std::vector<std::int64_t>(const PromptLayout& layout)>;

  /// Runs a prompt through the language model, reusing what the cache holds of it. Throws
  /// RunCancelled when the call was cancelled, and ProgressFailed; the cache then holds the shared
  /// beginning only.
  Prefill prefill(const Prompt& prompt, const PromptMedia& media,
                  const WantedStates& wanted_states);

  /// Feeds a prefix, ids up to a placeholder and its tokens, as far as the cache does not hold it.
  /// Throws as prefill().
  void keep_up(const std::vector<std::int64_t>& prefix_ids, const PromptMedia& media);

  // TokenStepper
  Output step(std::int64_t token_id) override;
  bool has_room() const override;

  /// Scores a prompt's choices behind what the cache holds, which it holds afterwards too; nullopt
  /// when it was cancelled. Spellings beyond `most_tokens` or the context do not count.
  std::optional<ChoiceScores> score(const ChoiceTree& choices, const Tensor& prompt_logits,
                                    std::int64_t most_tokens);

  /// Whether the cache holds all of a prompt without regions.
  bool holds(const std::vector<std::int64_t>& token_ids,
             const std::vector<std::int64_t>& pair_ids) const;
  /// As HeldTokens::first_pair.
  std::optional<std::int64_t> first_pair() const { return held_.first_pair(); }
  /// Throws InvalidInput when the keys and values that were saved are not of this model.
  void check_saved(const SavedClip& saved) const;
  /// Takes over the keys and values that were saved, in place of a prefill.
  void restore(const SavedClip& saved);
  /// Writes the keys and values of the first positions to what is saved.
  void save_to(SavedClip& saved, std::int64_t num_positions) const;

  /// Forgets all tokens and poison, and frees the cache's memory.
  void clear();
  /// A run failed: what the cache holds is not known.
  bool is_poisoned() const { return poisoned_; }
  const KvCache& cache() const { return *cache_; }

  /// Runs `work`; when it throws, the sequence is poisoned. Not if it was cancelled, memory ran out
  /// or a result was not finite: the cache then holds what it held before.
  template <typename Work>
  auto guarded(const Work& work) {
    try {
      return work();
    } catch (const RunCancelled&) {
      throw;
    } catch (const ProgressFailed&) {
      throw;
    } catch (const NotFiniteError&) {
      throw;
    } catch (const Error& error) {
      poisoned_ = error.code() != ErrorCode::kOutOfMemory;
      if (cache_->length() == 0) {
        held_.keep(0);  // The system refused memory while the cache grew, which emptied it.
      }
      throw;
    } catch (...) {
      poisoned_ = true;
      throw;
    }
  }

 private:
  /// What the cache holds of a prompt that can be used.
  struct Reuse {
    /// Leading ids, the first pairs and video tokens of a placeholder behind them, positions.
    std::size_t num_ids;
    std::size_t num_pairs;
    std::int64_t num_media;
    std::int64_t num_positions;
  };

  /// @param first_needed the first position that is to be fed in any case.
  Reuse reusable(const Prompt& prompt, const PromptMedia& media, const PromptLayout& layout,
                 std::int64_t first_needed) const;
  PromptLayout laid_out(const Prompt& prompt, const PromptMedia& media) const;
  /// Feeds embeddings behind what the cache holds. Throws RunCancelled when it was cancelled.
  PrefillOutput feed(const PromptEmbeddings& embeddings,
                     const std::vector<std::int64_t>& wanted_rows);

  const Model& model_;
  CallContext& call_;
  std::unique_ptr<KvCache> cache_;
  /// The tokens whose keys and values the cache holds.
  HeldTokens held_;
  bool poisoned_ = false;
};

}  // namespace ufvideo
