#include "decode/chunked_prefill.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "kv/kv_cache.h"
#include "tiny_model.h"

namespace ufvideo {
namespace {

constexpr std::int64_t kLength = 37;

Tensor random_embeddings() {
  Tensor rows(DType::kFloat32, {kLength, 32});
  for (std::size_t i = 0; i < rows.elements(); ++i) {
    const std::uint64_t bits = (i + 1) * 0x9E3779B97F4A7C15u;
    rows.data<float>()[i] = static_cast<float>(bits >> 40) / 8388608.0f - 1.0f;
  }
  return rows;
}

Tensor random_rows(std::int64_t begin, std::int64_t end) {
  return random_embeddings().rows(begin, end);
}

/// The tolerance REORDERED of tests/compare.py: the same sums in another order.
void expect_close(const Tensor& actual, const Tensor& expected, std::size_t count) {
  float scale = 0.0f;
  float worst = 0.0f;
  for (std::size_t i = 0; i < count; ++i) {
    const float a = actual.data<float>()[i];
    const float b = expected.data<float>()[i];
    ASSERT_TRUE(std::isfinite(a));
    scale = std::max(scale, std::abs(b));
    worst = std::max(worst, std::abs(a - b));
  }
  EXPECT_LE(worst, std::min(1e-4f, 1e-5f * scale));
}

struct Fed {
  PrefillOutput output;
  std::unique_ptr<KvCache> cache;
};

Fed fed(std::int64_t chunk_length, const std::vector<std::int64_t>& wanted) {
  const LanguageModel& model = tiny_model()->language_model();
  Fed result{{}, model.make_cache()};
  const auto run = [&](const Tensor& piece) -> ChunkOutput {
    EXPECT_LE(piece.dim(0), chunk_length);
    LanguageModelOutput output = model.run(piece, *result.cache);
    return {std::move(output.logits), std::move(output.hidden_states)};
  };
  result.output =
      feed_in_chunks(wanted, {chunk_length, kLength, random_rows, run, [] { return false; }})
          .value();
  return result;
}

/// Keys and values of the positions held, one head after the other.
void expect_close_caches(const KvCache& actual, const KvCache& expected) {
  ASSERT_EQ(actual.length(), kLength);
  for (int layer = 0; layer < tiny_model()->manifest().model.num_layers; ++layer) {
    for (const auto part : {&KvCache::keys, &KvCache::values}) {
      const Tensor& ours = (actual.*part)(layer);
      const Tensor& theirs = (expected.*part)(layer);
      ASSERT_EQ(ours.shape(), theirs.shape());
      const std::int64_t head_elements = ours.dim(2) * ours.dim(3);
      for (std::int64_t head = 0; head < ours.dim(1); ++head) {
        const auto of_head = [&](const Tensor& all) {
          return all.reshaped({ours.dim(1), head_elements}).rows(head, head + 1);
        };
        expect_close(of_head(ours), of_head(theirs), kLength * ours.dim(3));
      }
    }
  }
}

TEST(ChunkedPrefill, WholeEqualsChunksEqualsTokenByToken) {
  const std::vector<std::int64_t> wanted{0, 6, 7, 20, kLength - 1};
  const Fed whole = fed(1000, wanted);
  for (const std::int64_t chunk_length : {1, 7, 36, 37}) {
    SCOPED_TRACE(chunk_length);
    const Fed pieces = fed(chunk_length, wanted);
    expect_close(pieces.output.logits, whole.output.logits, whole.output.logits.elements());
    ASSERT_EQ(pieces.output.states.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      expect_close(pieces.output.states[i], whole.output.states[i], 32);
    }
    expect_close_caches(*pieces.cache, *whole.cache);
  }
}

TEST(ChunkedPrefill, KeepsTheRowsAskedForAndNoOthers) {
  int num_runs = 0;
  const auto run = [&](const Tensor& piece) {
    ++num_runs;
    return ChunkOutput{Tensor(DType::kFloat32, {4}), piece};
  };
  const Tensor rows = random_embeddings();
  const auto output =
      feed_in_chunks({9, 10}, {10, kLength, random_rows, run, [] { return false; }});
  EXPECT_EQ(num_runs, 4);
  ASSERT_EQ(output->states.size(), 2u);
  for (const std::int64_t i : {0, 1}) {
    const Tensor& state = output->states[i];
    ASSERT_EQ(state.shape(), (Shape{32}));
    EXPECT_TRUE(std::equal(state.data<float>(), state.data<float>() + 32,
                           rows.data<float>() + (9 + i) * 32));
  }
}

TEST(ChunkedPrefill, ACancelTakesEffectBeforeTheNextPiece) {
  int num_runs = 0;
  const auto run = [&](const Tensor& piece) {
    ++num_runs;
    return ChunkOutput{Tensor(DType::kFloat32, {4}), piece};
  };
  const auto is_cancelled = [&] { return num_runs == 2; };
  EXPECT_FALSE(feed_in_chunks({kLength - 1}, {10, kLength, random_rows, run, is_cancelled}));
  EXPECT_EQ(num_runs, 2);
}

}  // namespace
}  // namespace ufvideo
