#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "ufvideo/manifest.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// The positions of a prompt's parts once embeddings replace its placeholders.
struct PromptLayout {
  /// Index of the video or image placeholder among the token ids.
  std::size_t media_index;
  /// First position of each token id.
  std::vector<std::int64_t> positions;
  /// Number of positions.
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

/// Where the embeddings of a prompt come from.
struct PromptSources {
  EmbedTokens embed;
  /// float32 [N, D].
  Tensor video_tokens;
  /// float32 [R, D] of each region, in order.
  std::vector<Tensor> region_tokens;
};

/// The embeddings of a prompt, with video and region tokens in place of its placeholders. Each
/// chunk is computed when it is asked for, so that a long prompt is never in memory as a whole.
class PromptEmbeddings {
 public:
  /// @param first_index the token id that they begin with.
  /// Throws InvalidPackage when region tokens have another width than video tokens.
  PromptEmbeddings(const std::vector<std::int64_t>& token_ids, std::size_t first_index,
                   const PromptLayout& layout, std::int64_t region_id, PromptSources sources);

  /// Positions S.
  std::int64_t length() const { return length_; }
  /// Computes the embeddings of positions `begin` to `end`, float32 [end - begin, D]: on the device
  /// of the token embedder, or for video tokens alone where these are. Throws InvalidPackage if
  /// the embeddings of words have another width than video tokens.
  Tensor rows(std::int64_t begin, std::int64_t end) const;

 private:
  /// Words that follow one another, or the tokens of the video or a region.
  struct Segment {
    std::int64_t begin;
    std::int64_t end;
    std::vector<std::int64_t> words;
    Tensor media;
  };
  void add_word(std::int64_t token_id);
  void add_media(const Tensor& media);

  EmbedTokens embed_;
  std::int64_t width_;
  std::int64_t length_ = 0;
  std::vector<Segment> segments_;
};

}  // namespace ufvideo
