#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "ufvideo/tensor.h"

namespace ufvideo {

/// What a frame leaves of an object for later frames.
struct FrameMemory {
  /// float32 [1, M, h, w], where the memory encoder runs.
  Tensor features;
  /// Object pointer, float32 [1, C], in host memory.
  Tensor pointer;

  std::size_t bytes() const { return features.bytes() + pointer.bytes(); }
};

/// What the memory attention reads of one object.
struct Recall {
  /// K of them, float32 [1, M, h, w].
  std::vector<Tensor> features;
  /// Row of SAM 2's temporal encoding for each.
  std::vector<std::int64_t> ages;
  /// Q of them, float32 [1, C].
  std::vector<Tensor> pointers;
};

/// How a frame is remembered.
enum class FrameKind {
  /// For as long as it is among the last ones.
  kPlain,
  kPrompted,
  /// DistractorRule chose it: its features stay as those of a prompted frame do.
  kDistractor,
};

/// Bounds of a bank.
struct BankLimits {
  /// Most frames of one prompt, the prompted one among them.
  int num_memories;
  /// Row of the temporal encoding that prompted frames have: the last one, whatever num_memories.
  int prompted_age;
  /// Most object pointers of one prompt.
  int max_pointers;
  /// Most prompted frames kept as such.
  int max_prompted;
  /// Most distractor frames kept as such, each in place of one of the last frames' features.
  int max_distractors = 0;
};

/// The memory of one object, SAM 2's at stride 1: the prompted frames (those nearest in time), and
/// of the frames before the next one the last num_memories - 1 (features) and max_pointers - 1
/// (pointers), except those that are there as prompted frames. Distractor frames shorten the
/// window of the last frames' features by as many. Holds a bounded number of frames.
class MemoryBank {
 public:
  explicit MemoryBank(const BankLimits& limits) : limits_(limits) {}

  /// Adds the frame that comes after those that the bank has seen; drops what no later frame reads.
  void remember(FrameMemory memory, FrameKind kind);
  /// What the next frame reads: first prompted frames, then distractor frames, then the others,
  /// features oldest first and pointers latest first; the order of published code, which the sums
  /// follow.
  Recall recall() const;

  /// No frame is remembered: the object has to be prompted.
  bool empty() const { return frames_.empty(); }
  /// Whether recall() has had time to reach its final shape, which changes with a prompt only.
  bool is_settled() const { return num_frames_ >= limits_.max_pointers; }
  std::size_t bytes() const;

 private:
  struct Frame {
    /// Number of frames that the bank had seen before it.
    std::int64_t position;
    FrameKind kind;
    /// Either may be empty: no later frame reads it.
    FrameMemory memory;
  };

  /// Frames between this one and the next one.
  std::int64_t age(const Frame& frame) const { return num_frames_ - frame.position - 1; }

  /// Adds the features and ages of the frames of a kind.
  void recall_features(FrameKind kind, Recall& recall) const;

  BankLimits limits_;
  std::int64_t num_frames_ = 0;
  /// Oldest first.
  std::deque<Frame> frames_;
};

}  // namespace ufvideo
