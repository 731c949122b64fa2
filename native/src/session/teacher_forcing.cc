#include "session/teacher_forcing.h"

#include <algorithm>
#include <vector>

#include "base/error_message.h"
#include "base/stage_clock.h"

namespace ufvideo {
namespace {

void check_answer_start(const AnswerParts& parts, const Prompt& prompt, std::int64_t answer_start) {
  const TokenConfig& tokens = parts.model.manifest().tokens;
  const auto num_ids = static_cast<std::int64_t>(prompt.token_ids.size());
  const auto media =
      std::find(prompt.token_ids.begin(), prompt.token_ids.end(),
                parts.clip.is_image() ? tokens.image_placeholder_id : tokens.video_placeholder_id);
  // A [SEG] is predicted by the position before it, which must not lie in the video.
  const std::int64_t first_answer_start = media - prompt.token_ids.begin() + 2;
  if (media != prompt.token_ids.end() &&
      (answer_start < first_answer_start || answer_start >= num_ids)) {
    fail(ErrorCode::kInvalidInput, "teacher_force: answer_start: expected ", first_answer_start,
         " (a question behind the video's placeholder) to ", num_ids - 1, ", got ", answer_start);
  }
}

}  // namespace

Generation teacher_forced(const AnswerParts& parts, const Prompt& prompt,
                          std::int64_t answer_start) {
  check_answer_start(parts, prompt, answer_start);
  const TokenConfig& tokens = parts.model.manifest().tokens;
  const auto num_ids = static_cast<std::int64_t>(prompt.token_ids.size());
  const StageTimings before = parts.call.timings();
  const Clock::time_point begin = Clock::now();
  Generation generation;
  std::vector<std::int64_t> seg_idxs;
  for (std::int64_t i = answer_start; i < num_ids; ++i) {
    if (prompt.token_ids[i] == tokens.seg_id) {
      seg_idxs.push_back(i);
    }
  }
  const auto before_each_seg = [&](const PromptLayout& layout) {
    std::vector<std::int64_t> positions;
    for (const std::int64_t i : seg_idxs) {
      positions.push_back(layout.positions[i] - 1);
    }
    return positions;
  };
  const std::optional<Sequence::Prefill> filled = prefill_prompt(parts, prompt, before_each_seg);
  if (!filled) {
    generation.stop_reason = StopReason::kCancelled;
    generation.seg_hidden_states = stack_rows({});
    return generation;
  }
  generation.stop_reason = StopReason::kEndToken;
  generation.token_ids.assign(prompt.token_ids.begin() + answer_start, prompt.token_ids.end());
  for (const std::int64_t i : seg_idxs) {
    generation.seg_positions.push_back(i - answer_start);
  }
  generation.seg_hidden_states = stack_rows(filled->output.states);
  generation.spans = find_spans(generation.token_ids, tokens.time_first_id, tokens.num_time_tokens);
  generation.num_prefill_tokens = filled->num_new;
  generation.num_reused_tokens = filled->num_reused;
  generation.time_to_first_token_ms = elapsed_ms(begin);
  generation.timings = timings_between(before, parts.call.timings());
  return generation;
}

}  // namespace ufvideo
