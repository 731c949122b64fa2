#pragma once

#include <vector>

#include "session/answer_run.h"
#include "ufvideo/config.h"
#include "ufvideo/generation.h"
#include "ufvideo/session.h"

namespace ufvideo {

/// Answers several prompts in one batch, as Session::generate_many.
std::vector<Generation> answer_batch(const AnswerParts& parts, const std::vector<Prompt>& prompts,
                                     const GenerationConfig& config,
                                     const IndexedTokenCallback& callback);

}  // namespace ufvideo
