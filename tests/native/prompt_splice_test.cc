#include "decode/prompt_splice.h"

#include <gtest/gtest.h>

#include "error_expectation.h"

namespace ufvideo {
namespace {

TokenFacts token_facts() { return {{7}, -201, -200, 5, 10, 100, 6}; }

TEST(PromptLayout, CountsVideoAndRegionTokensInTheirPlaces) {
  const PromptLayout layout =
      lay_out_prompt({1, -201, 2, 5, 3, 5}, token_facts(), false, 4, {2, 1});
  EXPECT_EQ(layout.media_index, 1u);
  EXPECT_EQ(layout.positions, (std::vector<std::int64_t>{0, 1, 5, 6, 8, 9}));
  EXPECT_EQ(layout.length, 10);
  EXPECT_EQ(layout.prefix_length, 5);
}

TEST(PromptLayout, RefusesPlaceholdersThatDoNotFit) {
  const auto lay_out = [](const std::vector<std::int64_t>& ids, bool is_image,
                          const std::vector<std::int64_t>& regions) {
    lay_out_prompt(ids, token_facts(), is_image, 4, regions);
  };
  expect_error(ErrorCode::kInvalidInput, {"one video placeholder", "got 0"},
               [&] { lay_out({1, 2}, false, {}); });
  expect_error(ErrorCode::kInvalidInput, {"one image placeholder", "got 0"},
               [&] { lay_out({1, -201}, true, {}); });
  expect_error(ErrorCode::kInvalidInput, {"got 2"}, [&] { lay_out({-201, -201}, false, {}); });
  expect_error(ErrorCode::kInvalidInput, {"-200 too"}, [&] { lay_out({-201, -200}, false, {}); });
  expect_error(ErrorCode::kInvalidInput, {"each of 1 region marks, got 2"},
               [&] { lay_out({-201, 5}, false, {1, 1}); });
}

}  // namespace
}  // namespace ufvideo
