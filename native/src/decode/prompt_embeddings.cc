#include "decode/prompt_embeddings.h"

#include <algorithm>

#include "base/error_message.h"
#include "tensor/device_memory.h"

namespace ufvideo {
namespace {

std::size_t find_media(const std::vector<std::int64_t>& token_ids, const TokenConfig& tokens,
                       bool is_image) {
  const std::int64_t wanted = is_image ? tokens.image_placeholder_id : tokens.video_placeholder_id;
  const std::int64_t other = is_image ? tokens.video_placeholder_id : tokens.image_placeholder_id;
  const char* kind = is_image ? "image" : "video";
  const auto count = std::count(token_ids.begin(), token_ids.end(), wanted);
  if (count != 1) {
    fail(ErrorCode::kInvalidInput, "prompt: expected one ", kind, " placeholder (", wanted,
         "), got ", count);
  }
  if (std::count(token_ids.begin(), token_ids.end(), other) != 0) {
    fail(ErrorCode::kInvalidInput, "prompt: expected the ", kind, " placeholder only (", wanted,
         "), got ", other, " too: the open clip is ", is_image ? "an image" : "a video");
  }
  return static_cast<std::size_t>(std::find(token_ids.begin(), token_ids.end(), wanted) -
                                  token_ids.begin());
}

/// The copies below trust these widths, and each graph only promises its own.
void check_width(const char* stage, const Tensor& rows, std::int64_t width) {
  if (rows.dim(1) != width) {
    fail(ErrorCode::kInvalidPackage, stage, ": expected rows of the video tokens' width ", width,
         ", got ", shape_string(rows.shape()));
  }
}

}  // namespace

PromptLayout lay_out_prompt(const std::vector<std::int64_t>& token_ids, const TokenConfig& tokens,
                            bool is_image, std::int64_t num_video_tokens,
                            const std::vector<std::int64_t>& region_lengths) {
  PromptLayout layout;
  layout.media_index = find_media(token_ids, tokens, is_image);
  const auto num_marks = std::count(token_ids.begin(), token_ids.end(), tokens.region_id);
  if (num_marks != static_cast<std::ptrdiff_t>(region_lengths.size())) {
    fail(ErrorCode::kInvalidInput, "prompt: expected a region for each of ", num_marks,
         " region marks, got ", region_lengths.size());
  }
  std::int64_t position = 0;
  std::size_t region = 0;
  for (std::size_t i = 0; i < token_ids.size(); ++i) {
    layout.positions.push_back(position);
    if (i == layout.media_index) {
      position += num_video_tokens;
      layout.prefix_length = position;
    } else if (token_ids[i] == tokens.region_id) {
      position += region_lengths[region++];
    } else {
      ++position;
    }
  }
  layout.length = position;
  return layout;
}

Tensor splice_prompt(const std::vector<std::int64_t>& token_ids, std::size_t first_index,
                     const PromptLayout& layout, const TokenConfig& tokens,
                     const EmbedTokens& embed, const Tensor& video_tokens,
                     const std::vector<Tensor>& region_tokens) {
  std::vector<std::int64_t> words;
  for (std::size_t i = first_index; i < token_ids.size(); ++i) {
    if (i != layout.media_index && token_ids[i] != tokens.region_id) {
      words.push_back(token_ids[i]);
    }
  }
  const Tensor word_embeddings = embed(words);
  const std::int64_t width = video_tokens.dim(1);
  check_width("token_embedder", word_embeddings, width);
  for (const Tensor& region : region_tokens) {
    check_width("region_encoder", region, width);
  }
  const std::int64_t first_position =
      first_index < layout.positions.size() ? layout.positions[first_index] : layout.length;
  const auto marks_before =
      std::count(token_ids.begin(), token_ids.begin() + first_index, tokens.region_id);
  auto region = region_tokens.begin() + marks_before;
  std::vector<Tensor> pieces;
  std::int64_t num_words = 0;
  std::int64_t first_word = 0;
  const auto end_words = [&] {
    if (num_words != first_word) {
      pieces.push_back(word_embeddings.rows(first_word, num_words));
    }
    first_word = num_words;
  };
  for (std::size_t i = first_index; i < token_ids.size(); ++i) {
    if (i == layout.media_index) {
      end_words();
      pieces.push_back(video_tokens);
    } else if (token_ids[i] == tokens.region_id) {
      end_words();
      pieces.push_back(*region++);
    } else {
      ++num_words;
    }
  }
  end_words();
  return concatenated_on(word_embeddings.device(), pieces, DType::kFloat32,
                         {layout.length - first_position, width});
}

}  // namespace ufvideo
