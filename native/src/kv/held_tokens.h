#pragma once

#include <cstdint>
#include <vector>

#include "ufvideo/tensor.h"

namespace ufvideo {

/// Which tokens a KV cache holds, from its first position on: those of the last prompt and of its
/// answer as far as they were fed. A next prompt that begins with the same ones, as the next turn
/// of a conversation does, need not feed them again.
class HeldTokens {
 public:
  /// @param region_id the id that region tokens stand in place of.
  explicit HeldTokens(std::int64_t region_id) : region_id_(region_id) {}

  /// How many leading ids of a prompt are held. A region mark counts where its region's tokens are
  /// the same ones, bit for bit.
  ///
  /// @param region_tokens float32 [R, D] of each region mark of the prompt, in order.
  std::size_t num_shared(const std::vector<std::int64_t>& ids,
                         const std::vector<Tensor>& region_tokens) const;

  /// The cache holds this prompt and nothing behind it.
  void hold(const std::vector<std::int64_t>& ids, const std::vector<Tensor>& region_tokens);
  /// A token of the answer was fed; a region mark among these stands for itself.
  void append(std::int64_t id) { ids_.push_back(id); }
  /// Forgets all ids from `num_ids` on.
  void keep(std::size_t num_ids);

 private:
  std::int64_t region_id_;
  std::vector<std::int64_t> ids_;
  /// Of the first region marks among the ids; those behind them have none.
  std::vector<Tensor> region_tokens_;
};

}  // namespace ufvideo
