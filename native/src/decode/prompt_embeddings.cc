#include "decode/prompt_embeddings.h"

#include <algorithm>
#include <utility>

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

PromptEmbeddings::PromptEmbeddings(const std::vector<std::int64_t>& token_ids,
                                   std::size_t first_index, const PromptLayout& layout,
                                   std::int64_t region_id, PromptSources sources)
    : embed_(std::move(sources.embed)), width_(sources.video_tokens.dim(1)) {
  for (const Tensor& region : sources.region_tokens) {
    check_width("region_encoder", region, width_);
  }
  const auto first = token_ids.begin() + static_cast<std::ptrdiff_t>(first_index);
  auto region = sources.region_tokens.begin() + std::count(token_ids.begin(), first, region_id);
  for (std::size_t i = first_index; i < token_ids.size(); ++i) {
    if (i == layout.media_index) {
      add_media(sources.video_tokens);
    } else if (token_ids[i] == region_id) {
      add_media(*region++);
    } else {
      add_word(token_ids[i]);
    }
  }
}

void PromptEmbeddings::add_word(std::int64_t token_id) {
  if (segments_.empty() || segments_.back().words.empty()) {
    segments_.push_back({length_, length_, {}, {}});
  }
  segments_.back().words.push_back(token_id);
  segments_.back().end = ++length_;
}

void PromptEmbeddings::add_media(const Tensor& media) {
  segments_.push_back({length_, length_ + media.dim(0), {}, media});
  length_ += media.dim(0);
}

Tensor PromptEmbeddings::rows(std::int64_t begin, std::int64_t end) const {
  std::vector<std::int64_t> words;
  const auto each_segment = [&](const auto& visit) {
    for (const Segment& segment : segments_) {
      const std::int64_t from = std::max(begin, segment.begin) - segment.begin;
      const std::int64_t to = std::min(end, segment.end) - segment.begin;
      if (from < to) {
        visit(segment, from, to);
      }
    }
  };
  each_segment([&](const Segment& segment, std::int64_t from, std::int64_t to) {
    if (!segment.words.empty()) {
      words.insert(words.end(), segment.words.begin() + from, segment.words.begin() + to);
    }
  });
  std::vector<Tensor> parts;
  DevicePtr device;
  Tensor embedded;
  if (!words.empty()) {
    embedded = embed_(words);
    check_width("token_embedder", embedded, width_);
    device = embedded.device();
  }
  std::int64_t num_words = 0;
  each_segment([&](const Segment& segment, std::int64_t from, std::int64_t to) {
    if (segment.words.empty()) {
      parts.push_back(segment.media.rows(from, to));
    } else {
      parts.push_back(embedded.rows(num_words, num_words + to - from));
      num_words += to - from;
    }
  });
  if (parts.size() == 1) {
    return parts.front();
  }
  if (words.empty()) {
    device = parts.front().device();
  }
  return concatenated_on(device, parts, DType::kFloat32, {end - begin, width_});
}

}  // namespace ufvideo
