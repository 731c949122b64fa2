#pragma once

#include <cstdint>

#include "session/answer_run.h"
#include "ufvideo/generation.h"
#include "ufvideo/session.h"

namespace ufvideo {

/// Runs a prompt that holds its answer in one prefill, as Session::teacher_force.
Generation teacher_forced(const AnswerParts& parts, const Prompt& prompt,
                          std::int64_t answer_start);

}  // namespace ufvideo
