#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "ufvideo/manifest.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// Where everything of a prompt lies once embeddings stand for its placeholders.
struct PromptLayout {
  /// Index of the video or image placeholder among the token ids.
  std::size_t media_index;
  /// First spliced position of each token id.
  std::vector<std::int64_t> positions;
  /// Spliced positions in all.
  std::int64_t length;
  /// Positions up to the end of the video tokens: the same for all questions of a clip.
  std::int64_t prefix_length;
};

/// Checks a prompt's placeholders and lays it out. Throws InvalidInput: not exactly one media
/// placeholder, the wrong kind, or region marks that do not match the regions.
///
/// @param region_lengths tokens of each region, in order.
PromptLayout lay_out_prompt(const std::vector<std::int64_t>& token_ids, const TokenConfig& tokens,
                            bool is_image, std::int64_t num_video_tokens,
                            const std::vector<std::int64_t>& region_lengths);

/// Returns the embeddings float32 [S, D] of token ids.
using EmbedTokens = std::function<Tensor(const std::vector<std::int64_t>& token_ids)>;

/// Embeddings float32 [S, D] of the ids from `first_index` on, with video and region tokens in
/// their places; on the device of the embeddings of words.
Tensor splice_prompt(const std::vector<std::int64_t>& token_ids, std::size_t first_index,
                     const PromptLayout& layout, const TokenConfig& tokens,
                     const EmbedTokens& embed, const Tensor& video_tokens,
                     const std::vector<Tensor>& region_tokens);

}  // namespace ufvideo
