#include "decode/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <set>
#include <vector>

namespace ufvideo {
namespace {

constexpr std::int64_t kVocabSize = 3000;

Tensor random_logits() {
  Tensor logits(DType::kFloat32, {kVocabSize});
  std::mt19937 engine(5);
  for (std::int64_t id = 0; id < kVocabSize; ++id) {
    // Steps of an eighth: many logits are equal.
    logits.data<float>()[id] = static_cast<float>(engine() % 64) / 8.0f;
  }
  return logits;
}

/// The ids that a sort of the whole vocabulary keeps.
std::set<std::int64_t> sorted_nucleus(const Tensor& logits, std::int64_t top_k, double top_p) {
  const float* values = logits.data<float>();
  std::vector<std::int64_t> ids(kVocabSize);
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  std::stable_sort(ids.begin(), ids.end(),
                   [&](std::int64_t a, std::int64_t b) { return values[a] > values[b]; });
  ids.resize(top_k);
  double total = 0.0;
  for (const std::int64_t id : ids) total += std::exp(values[id]);
  std::set<std::int64_t> kept;
  double sum = 0.0;
  for (const std::int64_t id : ids) {
    if (sum >= top_p * total) break;
    kept.insert(id);
    sum += std::exp(values[id]);
  }
  return kept;
}

std::set<std::int64_t> drawn(const GenerationConfig& config, const Tensor& logits) {
  Sampler sampler(config);
  std::set<std::int64_t> ids;
  for (int i = 0; i < 4000; ++i) ids.insert(sampler.sample(logits));
  return ids;
}

GenerationConfig warm(std::uint64_t seed) {
  GenerationConfig config;
  config.temperature = 1.0f;
  config.seed = seed;
  return config;
}

TEST(SamplerTest, DrawsExactlyTheNucleusOfASortedVocabulary) {
  const Tensor logits = random_logits();
  GenerationConfig config = warm(1);
  config.top_p = 0.125f;
  EXPECT_EQ(drawn(config, logits), sorted_nucleus(logits, kVocabSize, 0.125));
}

TEST(SamplerTest, TakesTheNucleusOfTheTopK) {
  const Tensor logits = random_logits();
  GenerationConfig config = warm(2);
  config.top_k = 100;
  EXPECT_EQ(drawn(config, logits), sorted_nucleus(logits, 100, 1.0));
  config.top_p = 0.5f;
  EXPECT_EQ(drawn(config, logits), sorted_nucleus(logits, 100, 0.5));
}

TEST(SamplerTest, ATopKAboveTheVocabularyAndATopPOfOneKeepEverything) {
  Tensor logits(DType::kFloat32, {3});
  std::fill_n(logits.data<float>(), 3, 0.0f);
  GenerationConfig config = warm(3);
  config.top_k = 1000;
  config.top_p = 1.0f;
  EXPECT_EQ(drawn(config, logits), (std::set<std::int64_t>{0, 1, 2}));
}

TEST(SamplerTest, ATinyTemperatureIsGreedy) {
  const Tensor logits = random_logits();
  GenerationConfig config = warm(4);
  config.temperature = 1e-30f;
  const float* values = logits.data<float>();
  const float best = *std::max_element(values, values + kVocabSize);
  for (const std::int64_t id : drawn(config, logits)) EXPECT_EQ(values[id], best);
}

}  // namespace
}  // namespace ufvideo
