#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "ufvideo/cancellation.h"
#include "ufvideo/choices.h"
#include "ufvideo/config.h"
#include "ufvideo/feature_store.h"
#include "ufvideo/generation.h"
#include "ufvideo/model.h"
#include "ufvideo/token_automaton.h"
#include "ufvideo/video_stream.h"

namespace ufvideo {

/// Sampled frames of a clip, or one image.
struct Clip {
  /// uint8 [T, H, W, 3], T of 2 to the model's num_frames; one frame for an image. The aligner
  /// joins frames in pairs and leaves an odd last one out.
  Tensor frames;
  /// The caller's index of each frame, T of them; equal indices are encoded once.
  std::vector<std::int64_t> frame_idxs;
  /// An image stands for all T frames of the aligner (docs/model.md, part 3).
  bool is_image = false;
};

/// One marked object: a mask on each of a few frames.
struct RegionPrompt {
  /// Caller's index of each frame, F of them.
  std::vector<std::int64_t> frame_idxs;
  /// bool [F, H, W] at the clip's size.
  Tensor masks;
};

/// What a session has computed of its clip: opened again with it, it answers without the video.
struct SavedClip {
  bool is_image = false;
  /// The clip's sampled frames, repeats included; one for an image.
  std::vector<std::int64_t> frame_idxs;
  std::int64_t height_px = 0;
  std::int64_t width_px = 0;
  /// SigLIP features of each distinct frame in the order of the indices, float32 [F, P, Dv].
  Tensor features;
  /// float32 [N, D].
  Tensor video_tokens;
  /// Token ids up to the video's placeholder, and their keys and values with the video tokens in
  /// its place: float32 or float16, as the language model's cache, [L, kv, n, head].
  std::vector<std::int64_t> prefix_ids;
  Tensor keys;
  Tensor values;
};

/// A prompt in token ids. Placeholders (video or image, region) stand where embeddings go.
struct Prompt {
  std::vector<std::int64_t> token_ids;
  std::vector<RegionPrompt> regions;
  /// Pixels of the regions' frames that Session::missing_frames names, uint8 [K, H, W, 3], each
  /// once whatever the number of regions on it; and the caller's index of each.
  Tensor region_frames;
  std::vector<std::int64_t> region_frame_idxs;
  /// What the answer may be, made for this model's vocabulary and end tokens; null: anything.
  std::shared_ptr<const TokenAutomaton> response_format = nullptr;
  /// Texts of which the answer is the likeliest, made for this model's vocabulary and end tokens;
  /// null: anything. Nothing is sampled: a temperature, a repetition penalty or a format beside it
  /// is InvalidInput.
  std::shared_ptr<const ChoiceTree> choices = nullptr;
};

/// Called after each generated token.
using TokenCallback = std::function<StreamAction(std::int64_t token_id)>;
/// The same for several prompts: `index` says whose token it is.
using IndexedTokenCallback = std::function<StreamAction(std::size_t index, std::int64_t token_id)>;

/// Most prompts that generate_many() decodes at once; the others wait for a row. Bounds what a step
/// holds; on two cores at 0.5 B parameters a step of 16 rows takes 2.4 times that of one.
inline constexpr int kMaxBatchRows = 16;

/// The state of one conversation about one clip: features, caches, KV. Belongs to one thread at a
/// time; a second thread that enters meanwhile gets InvalidState. Any thread may call cancel(),
/// timings(), memory_bytes() and kv_cache_bytes(), also from inside a callback. When prefill or
/// decode fails the session is poisoned: every call throws InvalidState until reset(). Not if
/// memory ran out, or if logits or a [SEG]'s state were not finite (InferenceFailed): the session
/// is as it was before the answer, and something else can be asked.
///
/// A cancelled call ends within the node that its graph is computing, and harms nothing. An answer
/// ends as kCancelled with the tokens it has, a segmentation with the frames it has; a clip that is
/// being opened has no such result, its call throws Cancelled.
class Session {
 public:
  /// @param store feature store that sessions of this model share if their clips come from one
  ///     source; null: the session creates its own. Throws InvalidInput if it is another model's.
  explicit Session(std::shared_ptr<const Model> model,
                   std::shared_ptr<FeatureStore> store = nullptr);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Encodes the clip once; later questions reuse it. Replaces an earlier clip. Progress counts the
  /// clip's distinct frames that are encoded. Cancelled, no clip is open.
  void open_clip(const Clip& clip, const CallOptions& options = {});

  /// The same piece by piece, so that the frames never lie in memory as a whole: the indices of
  /// the whole clip; then its frames, each index once, in pieces of any size; then the end. Frames
  /// that the store has features of (missing_frames() tells) may be left out. As of Clip, a clip
  /// has 2 to num_frames frames; fewer than num_frames are InvalidPackage if the aligner is padded.
  void begin_clip(const std::vector<std::int64_t>& frame_idxs, bool is_image);
  void add_frames(const Tensor& frames, const std::vector<std::int64_t>& frame_idxs,
                  const CallOptions& options = {});
  void end_clip(const CallOptions& options = {});

  /// Looks at a window of a stream in place of a clip: nothing is encoded. The session was made
  /// with the stream's feature store. What it has computed of the pairs that the window shares with
  /// the one before, from the first one on, stays. Throws InvalidInput for a window of another
  /// store, InvalidState for one without pairs; nothing has changed then.
  void look_at(const StreamWindow& window);

  /// What was computed of the open clip, the prefix included, which is run first where it is not
  /// held; nullopt if that was cancelled. Progress counts the prefix's positions.
  ///
  /// @param prefix_ids ids that every question about the clip begins with, the video's or image's
  ///     placeholder at their end.
  std::optional<SavedClip> save_clip(const std::vector<std::int64_t>& prefix_ids,
                                     const CallOptions& options = {});
  /// Opens a clip with what was computed of it. Replaces an earlier clip. Throws InvalidInput when
  /// a size is not this model's. Throws OutOfMemory when the prefix or the features find no room;
  /// then no clip is open, and the session holds no conversation.
  void restore_clip(const SavedClip& saved);

  /// Those of the frames whose features are not held, each once, in the order given: what a prompt
  /// with regions on these frames has to bring along.
  std::vector<std::int64_t> missing_frames(const std::vector<std::int64_t>& frame_idxs) const;

  /// Answers one prompt from beginning to end. What it has in common with the prompt and answer
  /// before it, from the first token on, is not computed again. Progress counts the prompt's
  /// positions that have to be computed; how long the answer will be is not known.
  Generation generate(const Prompt& prompt, const GenerationConfig& config,
                      const TokenCallback& callback = nullptr, const CallOptions& options = {});

  /// Answers several prompts, in order, as generate() one by one: each is prefilled by itself
  /// behind the shared prefix, then all are decoded as rows of one batch. At most kMaxBatchRows at
  /// once, and fewer where as many at their full length (max_new_tokens) do not fit into the bound
  /// on the KV cache. A generation's decode_ms and timings count the steps it took part in whole.
  /// Cancelling ends all that have not ended; an action of the callback ends its own answer.
  /// Progress counts answers that have ended. Where one fails or a callback throws, there is no
  /// result.
  std::vector<Generation> generate_many(const std::vector<Prompt>& prompts,
                                        const GenerationConfig& config,
                                        const IndexedTokenCallback& callback = nullptr,
                                        const CallOptions& options = {});

  /// The same as generate() step by step. begin() checks the configuration and keeps the options
  /// until the answer is finished. The first step() prefills; each returns one token, nullopt once
  /// the answer has ended. finish() returns the answer; called early it ends it as kStopped.
  void begin(const Prompt& prompt, const GenerationConfig& config, const CallOptions& options = {});
  std::optional<std::int64_t> step();
  Generation finish();
  /// Drops an answer under way, if there is one, without a result.
  void drop_answer();

  /// Runs a prompt that already holds its answer (teacher forced) in one prefill and collects the
  /// state that predicts each [SEG] among the tokens from `answer_start` on. The generation's
  /// token_ids are the answer's. The answer starts behind at least one token of the question.
  /// Progress as that of generate().
  Generation teacher_force(const Prompt& prompt, std::int64_t answer_start,
                           const CallOptions& options = {});

  /// Decodes the masks of every object on every frame. SAM 2 features are cached by frame index.
  /// Progress counts frames.
  ///
  /// @param seg_hidden_states float32 [O, D].
  /// @param frames uint8 [F, H, W, 3].
  /// @param continues whether this goes on with the call before, a long clip given in pieces: the
  ///     cache then counts both as one scan.
  Segmentation segment(const Tensor& seg_hidden_states, const Tensor& frames,
                       const std::vector<std::int64_t>& frame_idxs, bool continues = false,
                       const CallOptions& options = {});

  /// From any thread: cancels the call under way, or the answer between begin() and finish(). Does
  /// nothing if there is none. Who wants to end one certain call, begun or not, gives it a token.
  void cancel();
  /// Forgets conversation, region frames outside the clip and poison; the encoded clip stays.
  void reset();

  /// What it keeps of frames, which a Tracker of the same source may share.
  const std::shared_ptr<FeatureStore>& feature_store() const;
  /// Video tokens of the open clip, float32 [N, D]. Throws InvalidState when no clip is open.
  Tensor video_tokens() const;
  /// From any thread, without waiting for a call under way, as of its last frame, piece of a prompt
  /// or token: timings of all stages since the session was made.
  StageTimings timings() const;
  /// The same for the bytes held: features of clip and region frames, mask cache, KV cache.
  std::size_t memory_bytes() const;
  /// Bytes of the KV cache, included in memory_bytes().
  std::size_t kv_cache_bytes() const;

 private:
  struct State;
  /// What an entry does with a poisoned session.
  enum class Poisoned { kRefused, kAccepted };
  /// Holds the session for one call: refuses a second thread and, unless told otherwise, a
  /// poisoned session. Without options the call goes on with those of the answer under way.
  class Entry {
   public:
    explicit Entry(State& state, const CallOptions* options = nullptr,
                   Poisoned poisoned = Poisoned::kRefused);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    State& state_;
  };
  std::unique_ptr<State> state_;
};

}  // namespace ufvideo
