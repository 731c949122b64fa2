#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ufvideo/tensor.h"

namespace ufvideo {

/// Which tokens a KV cache holds, from its first position on: those of the last prompt and of its
/// answer as far as they were fed. A next prompt that begins with the same ones, as the next turn
/// of a conversation does, need not feed them again.
class HeldTokens {
 public:
  /// How much of a prompt is held.
  struct Shared {
    /// Leading ids.
    std::size_t num_ids = 0;
    /// Where the id behind these is a window's placeholder: how many of its first pairs are held.
    std::size_t num_pairs = 0;
  };

  /// @param region_id the id that region tokens stand in place of.
  /// @param video_id the id that video tokens stand in place of.
  HeldTokens(std::int64_t region_id, std::int64_t video_id)
      : region_id_(region_id), video_id_(video_id) {}

  /// How much of a prompt is held. A region mark counts where its region's tokens are the same
  /// ones, bit for bit; a video's placeholder where its pairs are.
  ///
  /// @param region_tokens float32 [R, D] of each region mark of the prompt, in order.
  /// @param pair_ids the pairs of frames that a window consists of; none of a clip, whose tokens
  ///     are the same as long as something is held.
  Shared num_shared(const std::vector<std::int64_t>& ids, const std::vector<Tensor>& region_tokens,
                    const std::vector<std::int64_t>& pair_ids) const;
  /// The first pair held; nullopt if none is.
  std::optional<std::int64_t> first_pair() const;

  /// The cache holds this prompt and nothing behind it.
  void hold(const std::vector<std::int64_t>& ids, const std::vector<Tensor>& region_tokens,
            const std::vector<std::int64_t>& pair_ids);
  /// A token of the answer was fed; a region mark among these stands for itself.
  void append(std::int64_t id) { ids_.push_back(id); }
  /// Forgets all ids from `num_ids` on, but of a placeholder there the first `num_pairs` pairs.
  void keep(std::size_t num_ids, std::size_t num_pairs = 0);

 private:
  std::int64_t region_id_;
  std::int64_t video_id_;
  std::vector<std::int64_t> ids_;
  /// Of the first region marks among the ids; those behind them have none.
  std::vector<Tensor> region_tokens_;
  std::vector<std::int64_t> pair_ids_;
};

}  // namespace ufvideo
