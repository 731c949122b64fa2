#include "kv/batch_kv_cache.h"

#include <gtest/gtest.h>

#include "error_expectation.h"

namespace ufvideo {
namespace {

std::shared_ptr<const KvCacheSizes> sizes() {
  return std::make_shared<const KvCacheSizes>(KvCacheSizes{2, 3, 4, DType::kFloat32, 1000});
}

/// A bound on all caches, or none.
std::shared_ptr<MemoryBudget> budget_of(std::optional<std::size_t> kv_cache_bytes) {
  return std::make_shared<MemoryBudget>(MemoryLimits{std::nullopt, kv_cache_bytes},
                                        [] { return std::nullopt; });
}

/// One position, 2 tensors x 2 layers x 3 heads x 4 float32.
constexpr std::size_t kPositionBytes = 192;

/// A sequence whose keys all say `mark`, its values the negative.
void fill(KvCache& cache, std::int64_t length, float mark) {
  cache.reserve(length);
  for (int layer = 0; layer < 2; ++layer) {
    Tensor keys = cache.keys(layer);
    Tensor values = cache.values(layer);
    std::fill_n(keys.data<float>(), keys.elements(), mark + static_cast<float>(layer));
    std::fill_n(values.data<float>(), values.elements(), -mark);
  }
  cache.advance(length);
}

/// The number at one place of a row.
float at(const Tensor& tensor, std::int64_t row, std::int64_t head, std::int64_t position) {
  return tensor.data<float>()[((row * 3 + head) * tensor.dim(2) + position) * 4 + 1];
}

TEST(BatchKvCache, HoldsRowsOfTheirOwnLengthAndFillsGaps) {
  const auto shared = sizes();
  const auto budget = budget_of(std::size_t{1} << 30);
  BatchKvCache rows(shared, 3, budget);
  const std::vector<std::int64_t> lengths{5, 300, 7};
  for (int i = 0; i < 3; ++i) {
    KvCache one(shared, budget);
    fill(one, lengths[i], static_cast<float>(10 * (i + 1)));
    rows.add_row(one);
  }
  EXPECT_EQ(rows.lengths(), lengths);
  EXPECT_EQ(rows.keys(0).shape(), (Shape{3, 3, 512, 4}));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(at(rows.keys(1), i, 2, lengths[i] - 1), 10.0f * (i + 1) + 1);
    EXPECT_EQ(at(rows.values(1), i, 0, 0), -10.0f * (i + 1));
  }
  expect_error(ErrorCode::kInvalidState, {"free row", "3"},
               [&] { rows.add_row(KvCache(shared, budget)); });
  rows.drop_row(0);
  EXPECT_EQ(rows.lengths(), (std::vector<std::int64_t>{7, 300}));
  EXPECT_EQ(rows.keys(0).shape(), (Shape{2, 3, 512, 4}));
  EXPECT_EQ(at(rows.keys(0), 0, 2, 6), 30.0f);
  EXPECT_EQ(at(rows.keys(0), 1, 2, 299), 20.0f);
  rows.drop_row(1);
  EXPECT_EQ(rows.lengths(), (std::vector<std::int64_t>{7}));
}

TEST(BatchKvCache, GrowsAndKeepsEveryRow) {
  const auto shared = sizes();
  const auto budget = budget_of(std::nullopt);
  BatchKvCache rows(shared, 2, budget);
  for (const float mark : {1.0f, 5.0f}) {
    KvCache one(shared, budget);
    fill(one, 256, mark);
    rows.add_row(one);
  }
  rows.reserve_one();
  rows.advance();
  EXPECT_EQ(rows.keys(0).dim(2), 512);
  EXPECT_EQ(rows.lengths(), (std::vector<std::int64_t>{257, 257}));
  EXPECT_EQ(at(rows.keys(0), 0, 2, 255), 1.0f);
  EXPECT_EQ(at(rows.keys(0), 1, 2, 255), 5.0f);
}

TEST(BatchKvCache, ARefusedGrowthChangesNothing) {
  const auto shared = sizes();
  // One sequence of 256 beside two rows of 256, and no more.
  const auto budget = budget_of(3 * 256 * kPositionBytes);
  KvCache one(shared, budget);
  fill(one, 256, 1.0f);
  BatchKvCache rows(shared, 2, budget);
  rows.add_row(one);
  rows.add_row(one);
  EXPECT_EQ(budget->use().held(MemoryKind::kKvCache), 3 * 256 * kPositionBytes);
  expect_error(ErrorCode::kOutOfMemory, {"kv_cache_bytes", "147456", "512 positions"},
               [&] { rows.reserve_one(); });
  EXPECT_EQ(rows.lengths(), (std::vector<std::int64_t>{256, 256}));
  EXPECT_EQ(at(rows.keys(0), 1, 0, 255), 1.0f);
}

TEST(RowsThatFit, CountsFullLengthsAndTheCopyOfGrowing) {
  const auto rows = [](std::optional<std::size_t> max_bytes, std::int64_t positions,
                       std::size_t beside) {
    return rows_that_fit(KvCache(sizes(), budget_of(max_bytes)), positions, 8, beside);
  };
  const std::size_t row = 256 * kPositionBytes;
  EXPECT_EQ(rows(100 * row, 256, 0), 8);
  EXPECT_EQ(rows(4 * row, 256, 0), 3);
  EXPECT_EQ(rows(4 * row, 257, 0), 1);
  EXPECT_EQ(rows(4 * row, 256, 3 * row), 0);
  EXPECT_EQ(rows(std::nullopt, 256, 0), 8);
}

}  // namespace
}  // namespace ufvideo
