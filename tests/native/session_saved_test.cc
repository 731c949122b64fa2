#include <gtest/gtest.h>

#include <cstring>

#include "error_expectation.h"
#include "tiny_model.h"
#include "ufvideo/session.h"

namespace ufvideo {
namespace {

using Ids = std::vector<std::int64_t>;

const Ids kFirst{21, 22, 23};
const Ids kSecond{31, 32, 33, 34, 35};

Ids prefix() { return {11, 12, tiny_model()->manifest().tokens.video_placeholder_id}; }

SavedClip saved_clip() { return tiny_session()->save_clip(prefix()).value(); }

bool equal_bytes(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

TEST(SavedClip, AnswersAsTheSessionThatWasSaved) {
  Session restored(tiny_model());
  restored.restore_clip(saved_clip());
  for (const Prompt& prompt : {ask(kFirst), ask_about_region(kSecond), ask(kSecond)}) {
    const Generation answer = restored.generate(prompt, greedy(12));
    EXPECT_EQ(answer.token_ids, tiny_session()->generate(prompt, greedy(12)).token_ids);
    EXPECT_GE(answer.num_reused_tokens, 2 + 8);
  }
  EXPECT_EQ(restored.timings().count("vision_encoder"), 0u);
  EXPECT_TRUE(restored.missing_frames({0, 1, 2, 3}).empty());
}

TEST(SavedClip, IsTheSameBeforeAndAfterQuestions) {
  const auto session = tiny_session();
  const SavedClip before = saved_clip();
  session->generate(ask(kFirst), greedy(12));
  const std::int64_t calls = session->timings().at("language_model").num_calls;
  const SavedClip after = session->save_clip(prefix()).value();
  // The prefix was held: nothing ran for it.
  EXPECT_EQ(session->timings().at("language_model").num_calls, calls);
  EXPECT_TRUE(equal_bytes(before.features, after.features));
  EXPECT_TRUE(equal_bytes(before.video_tokens, after.video_tokens));
  EXPECT_EQ(before.keys.shape(), after.keys.shape());
  EXPECT_EQ(after.keys.dim(2), 2 + 8);
}

TEST(SavedClip, ACancelComesBeforeThePrefix) {
  const auto session = tiny_session();
  CallOptions ended;
  ended.cancel.cancel();
  EXPECT_FALSE(session->save_clip(prefix(), ended));
  EXPECT_TRUE(session->save_clip(prefix()));
}

template <typename Change>
void expect_refused(const std::vector<std::string>& words, const Change& change) {
  SavedClip saved = saved_clip();
  change(saved);
  Session session(tiny_model());
  expect_error(ErrorCode::kInvalidInput, words, [&] { session.restore_clip(saved); });
  // Nothing was opened, and another clip can be.
  expect_error(ErrorCode::kInvalidState, {"open clip"}, [&] { session.video_tokens(); });
  session.restore_clip(saved_clip());
  EXPECT_EQ(session.generate(ask(kFirst), greedy(3)).token_ids.size(), 3u);
}

TEST(SavedClip, SizesOfAnotherModelAreRefused) {
  expect_refused({"frame_idxs", "expected 2 to 4", "1"},
                 [](SavedClip& s) { s.frame_idxs.resize(1); });
  expect_refused({"features", "expected float32 [3,"},
                 [](SavedClip& s) { s.frame_idxs.pop_back(); });
  expect_refused({"features", "expected float32 [3,"}, [](SavedClip& s) { s.frame_idxs[1] = 0; });
  expect_refused({"1 x 1 px"}, [](SavedClip& s) { s.width_px = 0; });
  expect_refused({"video_tokens", "[8, 32]", "[7, 32]"},
                 [](SavedClip& s) { s.video_tokens = s.video_tokens.rows(0, 7); });
  expect_refused({"keys"}, [](SavedClip& s) { s.keys = s.keys.rows(0, 1); });
  expect_refused({"values"}, [](SavedClip& s) { s.values = s.features; });
  expect_refused({"keys", "11"},
                 [](SavedClip& s) { s.prefix_ids.insert(s.prefix_ids.begin(), 5); });
  expect_refused({"prefix_ids", "at their end"}, [](SavedClip& s) { s.prefix_ids.pop_back(); });
  expect_refused({"prefix_ids", "got none"}, [](SavedClip& s) { s.prefix_ids.clear(); });
  expect_refused({"prefix_ids[0]", "vocabulary"}, [](SavedClip& s) { s.prefix_ids[0] = -201; });
  expect_refused({"prefix_ids[1]"},
                 [](SavedClip& s) { s.prefix_ids[1] = tiny_model()->manifest().tokens.region_id; });
  expect_refused({"frame_idxs", "expected 1"}, [](SavedClip& s) { s.is_image = true; });
}

TEST(SavedClip, AClipThatFindsNoRoomLeavesNoPrefix) {
  const SavedClip saved = saved_clip();
  Session plenty(tiny_model());
  plenty.restore_clip(saved);
  RuntimeConfig config = tiny_config();
  config.memory_budget_bytes = plenty.memory_bytes() - 1;
  Session session(Model::load(tiny_package(), config));
  expect_error(ErrorCode::kOutOfMemory, {"clip", "video tokens", "memory_budget_bytes"},
               [&] { session.restore_clip(saved); });
  EXPECT_EQ(session.kv_cache_bytes(), 0u);
  expect_error(ErrorCode::kInvalidState, {"open clip"}, [&] { session.video_tokens(); });
}

}  // namespace
}  // namespace ufvideo
