#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>

#include "base/call_context.h"
#include "session/answer_run.h"
#include "session/clip_features.h"
#include "session/mask_segmenter.h"
#include "session/sequence.h"
#include "ufvideo/session.h"

namespace ufvideo {

/// The parts of a session, and which call is inside it.
struct Session::State {
  State(std::shared_ptr<const Model> shared_model, std::shared_ptr<FeatureStore> store);

  /// Statistics that other threads may read while a call is under way.
  struct Published {
    std::mutex mutex;
    StageTimings timings;
    std::size_t memory_bytes = 0;
    std::size_t kv_cache_bytes = 0;
  };

  AnswerParts answer_parts() { return {*model, clip, *sequence, call, next_sequence.get()}; }
  bool is_poisoned() const;
  void begin_clip(const std::vector<std::int64_t>& frame_idxs, bool is_image);
  void look_at(const StreamWindow& window);
  void begin_answer(const Prompt& prompt, const GenerationConfig& config);
  std::optional<std::int64_t> next_token();
  Generation finish_answer();
  void forget_conversation();
  /// Each throws InvalidState.
  void require_no_answer() const;
  void require_answer() const;
  /// Unless a clip is open and no answer is under way.
  void require_ready() const;

  /// Begins a call with these options, null: those of the answer under way, if there is one.
  void begin_call(const CallOptions* options);
  void end_call();
  void publish();

  const std::shared_ptr<const Model> model;
  CallContext call;
  ClipFeatures clip;
  MaskSegmenter masks;
  std::unique_ptr<Sequence> sequence;
  /// Of a stream with two prefixes: the one that goes on when the window drops its oldest part.
  std::unique_ptr<Sequence> next_sequence;
  std::optional<AnswerRun> answer;

  std::atomic<bool> busy{false};
  /// What cancel() cancels.
  std::mutex under_way_mutex;
  std::optional<CancellationToken> under_way;
  Published published;
};

}  // namespace ufvideo
