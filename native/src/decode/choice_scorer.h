#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "ufvideo/choices.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// Feeds a token behind the prompt and the first `num_kept` tokens that were fed behind it before.
///
/// @return logits float32 [V] of what comes next; nullopt when it was cancelled.
using ChoiceFeed =
    std::function<std::optional<Tensor>(std::int64_t num_kept, std::int64_t token_id)>;

/// Scores every choice by its tokens' log-probabilities. A beginning that several spellings share
/// is fed once, the last token of a spelling never. A spelling is left once its beginning is less
/// likely than another spelling of its choice as a whole: letter cases cost little.
///
/// @param prompt_logits float32 [V] behind the prompt.
/// @param most_tokens longer spellings do not count; ChoiceTree::longest() or more.
/// @return nullopt when it was cancelled.
std::optional<ChoiceScores> score_choices(const ChoiceTree& tree, const Tensor& prompt_logits,
                                          std::int64_t most_tokens, const ChoiceFeed& feed);

}  // namespace ufvideo
