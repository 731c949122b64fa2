#pragma once

#include <cstdint>

#include "decode/prompt_embeddings.h"
#include "ufvideo/config.h"
#include "ufvideo/manifest.h"
#include "ufvideo/session.h"

namespace ufvideo {

/// Throws InvalidInput or InvalidConfig unless a prompt's answer format or choices are for this
/// model, and fit the configuration: the longest answer is not cut off.
void check_constraint(const Prompt& prompt, const GenerationConfig& config,
                      const Manifest& manifest);

/// Throws InvalidInput, naming the first token id outside the vocabulary that is no placeholder.
void check_token_ids(const Prompt& prompt, const PromptLayout& layout, int vocab_size);

/// Throws OutOfMemory unless the context has room for the prompt and the longest answer in its
/// format.
///
/// @param num_video_tokens of the prompt's positions, those of the video.
void check_room(const Prompt& prompt, const PromptLayout& layout, std::int64_t max_positions,
                std::int64_t num_video_tokens);

}  // namespace ufvideo
