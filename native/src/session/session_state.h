#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/cancellation.h"
#include "base/error_message.h"
#include "base/stage_clock.h"
#include "decode/chunked_prefill.h"
#include "decode/decode_loop.h"
#include "decode/prompt_splice.h"
#include "features/frame_cache.h"
#include "features/frame_encoder.h"
#include "kv/held_tokens.h"
#include "kv/kv_cache.h"
#include "tensor/finite.h"
#include "ufvideo/error.h"
#include "ufvideo/session.h"

namespace ufvideo {

/// Most objects that the mask decoder takes on a frame at once; more go through in groups.
inline constexpr std::int64_t kObjectsPerDecoding = 16;

/// What a caller's progress function threw while the KV cache was being written.
struct ProgressFailed : std::exception {
  explicit ProgressFailed(std::exception_ptr what_came) : cause(std::move(what_came)) {}
  std::exception_ptr cause;
};

/// Everything that changes while a session lives.
struct Session::State : TokenStepper {
  explicit State(std::shared_ptr<const Model> shared_model);

  /// One answer under way.
  struct Answer {
    /// Empty once it has been prefilled.
    std::optional<Prompt> prompt;
    GenerationConfig config;
    CallOptions call;
    DecodeLoop loop;
    Generation generation;
    StageTimings timings_before;
    /// Time inside begin.
    double begin_ms;
  };

  /// What a prefill gave.
  struct Prefill {
    std::int64_t num_reused;
    std::int64_t num_new;
    PrefillOutput output;
  };
  /// Spliced positions, ascending, whose states a caller wants.
  using WantedStates = std::function<std::vector<std::int64_t>(const PromptLayout& layout)>;

  /// Several answers under way (session_batch.cc).
  class Batch;

  /// What other threads may read while a call is under way.
  struct Published {
    std::mutex mutex;
    StageTimings timings;
    std::size_t held_bytes = 0;
    std::size_t kv_cache_bytes = 0;
  };

  // TokenStepper
  Output step(std::int64_t token_id) override;
  bool has_room() const override {
    return cache->length() < model->language_model().max_positions();
  }

  /// Scores a prompt's choices behind what the cache holds, which it holds afterwards too; nullopt
  /// when it was cancelled. Spellings beyond `most_tokens` or the context do not count.
  std::optional<ChoiceScores> score(const ChoiceTree& choices, const Tensor& prompt_logits,
                                    std::int64_t most_tokens);
  /// Throws InvalidInput where a prompt's choices are not for this model or beside a setting that
  /// they leave nothing to do.
  void check_choices(const Prompt& prompt, const GenerationConfig& config) const;

  void begin_answer(const Prompt& prompt, const GenerationConfig& config);
  /// Prefills a prompt and begins its answer, which has ended already where that was cancelled.
  DecodeLoop start_loop(const Prompt& prompt, const GenerationConfig& config,
                        Generation& generation);
  /// Prefills the answer under way, whose loop has ended if that was cancelled.
  void prefill_answer();
  std::optional<std::int64_t> next_token();
  Generation finish_answer();
  /// Takes over what an answer's loop has.
  void complete(Generation& generation, const DecodeLoop& loop) const;

  void begin_clip(const std::vector<std::int64_t>& frame_idxs, bool image);
  void add_frames(const Tensor& frames, const std::vector<std::int64_t>& frame_idxs);
  void end_clip();
  void check_saved(const SavedClip& saved) const;
  void restore_clip(const SavedClip& saved);

  /// Runs a prompt through the language model, reusing what the cache holds of it; nullopt if the
  /// call was cancelled.
  std::optional<Prefill> prefill(const Prompt& prompt, const WantedStates& wanted_states);
  /// The same; throws RunCancelled instead if a graph run was ended, and ProgressFailed.
  std::optional<Prefill> prefill_or_throw(const Prompt& prompt, const WantedStates& wanted_states);
  PromptLayout laid_out(const Prompt& prompt, const std::vector<Tensor>& regions) const;
  /// Feeds embeddings [S, D] behind what the cache holds; nothing when it was cancelled.
  std::optional<PrefillOutput> feed(const Tensor& embeddings,
                                    const std::vector<std::int64_t>& wanted_rows);
  /// Throws where an answer in the prompt's format would be cut off by the configuration.
  void check_answer_format(const Prompt& prompt, const GenerationConfig& config) const;
  /// Throws where the context has no room for the prompt and an answer in its format.
  void check_room(const Prompt& prompt, const PromptLayout& layout) const;
  /// Region tokens of each region; fewer when it was cancelled.
  std::vector<Tensor> encode_regions(const Prompt& prompt);
  void check_regions(const Prompt& prompt) const;
  /// SAM 2 features of frames [first, last), kept ones or encoded in one batch.
  std::vector<MaskFeatures> mask_features_of(const Tensor& frames,
                                             const std::vector<std::int64_t>& frame_idxs,
                                             std::int64_t first, std::int64_t last);
  /// Encodes rows of frames in one batch, keeps the features and adds them to `by_idx`.
  void encode_mask_frames(const Tensor& frames, const std::vector<std::int64_t>& frame_idxs,
                          const std::vector<std::int64_t>& missing,
                          std::unordered_map<std::int64_t, MaskFeatures>& by_idx);
  /// Decodes all objects on one frame into the result's rows.
  void decode_masks(const Tensor& seg_hidden_states, const MaskFeatures& features,
                    std::int64_t frame, Segmentation& result);
  /// The same for a group of them, whose first is row `first_object`.
  void decode_group(const Tensor& seg_hidden_states, std::int64_t first_object,
                    const MaskFeatures& features, std::int64_t frame, Segmentation& result);
  /// Runs `work`; when it throws, the session is poisoned. Not where memory ran out or a result was
  /// not finite: the cache then holds what it held before, and something else can be asked.
  template <typename Work>
  auto poisoning(const Work& work) {
    try {
      return work();
    } catch (const RunCancelled&) {
      throw;
    } catch (const ProgressFailed&) {
      throw;
    } catch (const NotFiniteError&) {
      answer.reset();
      throw;
    } catch (const Error& error) {
      answer.reset();
      poisoned = error.code() != ErrorCode::kOutOfMemory;
      if (cache->length() == 0) {
        held.keep(0);  // The system refused memory while the cache grew, which emptied it.
      }
      throw;
    } catch (...) {
      poisoned = true;
      throw;
    }
  }
  /// Runs `work`, which has no result that says it was cancelled.
  template <typename Work>
  void to_the_end(const char* where, const Work& work) {
    try {
      work();
    } catch (const RunCancelled&) {
      fail(ErrorCode::kCancelled, where, ": expected to go on to the end, it was cancelled");
    }
  }
  /// Whether the call under way is to end.
  bool is_cancelled() const { return call.cancel.is_cancelled(); }
  /// Begins a call with these options, null: those of the answer under way, if there is one.
  void begin_call(const CallOptions* options);
  void end_call();
  /// Lets other threads read the statistics as they are now.
  void publish();
  /// Publishes, and tells the caller how much of the call's work is done.
  void report(std::int64_t done, std::int64_t total);
  void require_clip(const char* where) const;
  void require_no_answer() const;
  void forget_conversation();

  std::shared_ptr<const Model> model;
  std::atomic<bool> busy{false};
  bool poisoned = false;
  /// The call that this thread is inside, and what ends its graph runs.
  CallOptions call;
  std::optional<CancellationScope> scope;
  /// What cancel() cancels.
  std::mutex under_way_mutex;
  std::optional<CancellationToken> under_way;

  bool is_image = false;
  /// The clip's sampled frames, repeats included.
  std::vector<std::int64_t> clip_idxs;
  /// [H, W] of the clip's frames; empty before the first ones came.
  Shape frame_size;
  /// Empty while no clip is open.
  Tensor video_tokens;
  FrameEncoder frame_encoder;
  FrameCache<MaskFeatures> mask_features;

  std::unique_ptr<KvCache> cache;
  /// The tokens whose keys and values the cache holds.
  HeldTokens held;

  std::optional<Answer> answer;
  StageTimings timings;
  Published published;
};

}  // namespace ufvideo
