#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "ufvideo/config.h"
#include "ufvideo/generation.h"
#include "ufvideo/model.h"

namespace ufvideo {

/// Sampled frames of a clip, or one image.
struct Clip {
  /// uint8 [T, H, W, 3]; one frame for an image.
  Tensor frames;
  /// The caller's index of each frame, T of them; equal indices are encoded once.
  std::vector<std::int64_t> frame_idxs;
  /// An image stands for all T frames of the aligner (model part 3).
  bool is_image = false;
};

/// One marked object: a mask on each of a few frames.
struct RegionPrompt {
  /// Caller's index of each frame, F of them.
  std::vector<std::int64_t> frame_idxs;
  /// uint8 [F, H, W, 3]; the pixels of frames the session already encoded are not looked at.
  Tensor frames;
  /// bool [F, H, W].
  Tensor masks;
};

/// A prompt in token ids. Placeholders (video or image, region) stand where embeddings go.
struct Prompt {
  std::vector<std::int64_t> token_ids;
  std::vector<RegionPrompt> regions;
};

/// Called after each generated token.
using TokenCallback = std::function<StreamAction(std::int64_t token_id)>;

/// The state of one conversation about one clip: features, caches, KV. Belongs to one thread at a
/// time; a second thread that enters meanwhile gets InvalidState. When prefill or decode fails the
/// session is poisoned: every call throws InvalidState until reset().
class Session {
 public:
  explicit Session(std::shared_ptr<const Model> model);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Encodes the clip once; later questions reuse it. Replaces an earlier clip.
  void open_clip(const Clip& clip);

  /// Answers one prompt from beginning to end.
  Generation generate(const Prompt& prompt, const GenerationConfig& config,
                      const TokenCallback& callback = nullptr);

  /// The same step by step: prefill; then one token a call (nothing once the answer has ended);
  /// then the answer. `finish` may be called early and ends the answer as kStopped.
  void begin(const Prompt& prompt, const GenerationConfig& config);
  std::optional<std::int64_t> step();
  Generation finish();

  /// Runs a prompt that already holds its answer (teacher forced) in one prefill and collects the
  /// state that predicts each [SEG] among the tokens from `answer_start` on. The generation's
  /// token_ids are the answer's. The answer starts behind at least one token of the question.
  Generation teacher_force(const Prompt& prompt, std::int64_t answer_start);

  /// Decodes the masks of every object on every frame. SAM 2 features are cached by frame index.
  ///
  /// @param seg_hidden_states float32 [O, D].
  /// @param frames uint8 [F, H, W, 3].
  Segmentation segment(const Tensor& seg_hidden_states, const Tensor& frames,
                       const std::vector<std::int64_t>& frame_idxs);

  /// From any thread: the answer under way ends as kCancelled at its next token.
  void cancel();
  /// Forgets conversation and poison; the encoded clip stays.
  void reset();

  /// Video tokens of the open clip, float32 [N, D]. Throws InvalidState when no clip is open.
  const Tensor& video_tokens() const;
  /// Timings of all stages since the session was made.
  StageTimings timings() const;
  /// Bytes held now: features, mask cache, KV cache.
  std::size_t held_bytes() const;

 private:
  struct State;
  /// What an entry does with a poisoned session.
  enum class Poisoned { kRefused, kAccepted };
  /// Holds the session for one call: refuses a second thread and, unless told otherwise, a
  /// poisoned session.
  class Entry {
   public:
    explicit Entry(State& state, Poisoned poisoned = Poisoned::kRefused);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    State& state_;
  };
  std::unique_ptr<State> state_;
};

}  // namespace ufvideo
