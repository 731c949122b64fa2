#include "decode/prompt_embeddings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "error_expectation.h"
#include "tiny_model.h"

namespace ufvideo {
namespace {

TokenConfig token_facts() { return {{7}, -201, -200, 5, 10, 100, 6}; }

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

/// A video and one region between words of the tiny model (rows of 32).
PromptEmbeddings prompt_embeddings(const Tensor& video, const Tensor& region,
                                   std::size_t first_index = 0) {
  const std::vector<std::int64_t> ids{1, -201, 2, 5, 3};
  const PromptLayout layout =
      lay_out_prompt(ids, token_facts(), false, video.dim(0), {region.dim(0)});
  const auto embed = [](const auto& token_ids) {
    return tiny_model()->token_embedder().embed(token_ids);
  };
  return PromptEmbeddings(ids, first_index, layout, token_facts().region_id,
                          {embed, video, {region}});
}

Tensor rows_of(float value, std::int64_t num_rows, std::int64_t width) {
  Tensor rows(DType::kFloat32, {num_rows, width});
  std::fill_n(rows.data<float>(), rows.elements(), value);
  return rows;
}

TEST(PromptEmbeddings, PutsWordsVideoAndRegionsInTheirPlaces) {
  const Tensor spliced = prompt_embeddings(rows_of(7, 4, 32), rows_of(9, 2, 32)).rows(0, 9);
  const Tensor words = tiny_model()->token_embedder().embed({1, 2, 3});
  ASSERT_EQ(spliced.shape(), (Shape{9, 32}));
  for (std::int64_t i = 0; i < 32; ++i) {
    SCOPED_TRACE(i);
    const auto at = [i](const Tensor& rows, std::int64_t row) {
      return rows.data<float>()[row * 32 + i];
    };
    EXPECT_EQ(at(spliced, 0), at(words, 0));
    for (const int row : {1, 2, 3, 4}) EXPECT_EQ(at(spliced, row), 7.0f);
    EXPECT_EQ(at(spliced, 5), at(words, 1));
    for (const int row : {6, 7}) EXPECT_EQ(at(spliced, row), 9.0f);
    EXPECT_EQ(at(spliced, 8), at(words, 2));
  }
}

TEST(PromptEmbeddings, AnyRowsAreThoseOfTheWhole) {
  Tensor video(DType::kFloat32, {4, 32});
  for (std::size_t i = 0; i < video.elements(); ++i) {
    video.data<float>()[i] = static_cast<float>(i);
  }
  const Tensor region = rows_of(9, 2, 32);
  const PromptEmbeddings embeddings = prompt_embeddings(video, region);
  ASSERT_EQ(embeddings.length(), 9);
  const Tensor whole = embeddings.rows(0, 9);
  for (std::int64_t begin = 0; begin < 9; ++begin) {
    for (std::int64_t end = begin + 1; end <= 9; ++end) {
      SCOPED_TRACE(std::to_string(begin) + " to " + std::to_string(end));
      const Tensor rows = embeddings.rows(begin, end);
      ASSERT_EQ(rows.shape(), (Shape{end - begin, 32}));
      EXPECT_TRUE(std::equal(rows.data<float>(), rows.data<float>() + rows.elements(),
                             whole.data<float>() + begin * 32));
    }
  }
  // From the region on: what comes before it is cached.
  const PromptEmbeddings rest = prompt_embeddings(video, region, 3);
  ASSERT_EQ(rest.length(), 3);
  const Tensor last = rest.rows(0, 3);
  EXPECT_TRUE(std::equal(last.data<float>(), last.data<float>() + last.elements(),
                         whole.data<float>() + std::ptrdiff_t{6} * 32));
}

TEST(PromptEmbeddings, RefusesRowsOfAnotherWidth) {
  expect_error(ErrorCode::kInvalidPackage, {"token_embedder", "width 16", "[3, 32]"},
               [] { prompt_embeddings(rows_of(7, 4, 16), rows_of(9, 2, 16)).rows(0, 9); });
  expect_error(ErrorCode::kInvalidPackage, {"region_encoder", "width 32", "[2, 33]"},
               [] { prompt_embeddings(rows_of(7, 4, 32), rows_of(9, 2, 33)); });
}

}  // namespace
}  // namespace ufvideo
