#include "ufvideo/config.h"

#include <gtest/gtest.h>

#include <limits>

#include "error_expectation.h"

namespace ufvideo {
namespace {

template <typename Config>
void expect_refused(const Config& config, const std::vector<std::string>& texts) {
  expect_error(ErrorCode::kInvalidConfig, texts, [&] { config.validate(); });
}

TEST(RuntimeConfigTest, DefaultsAreValid) { EXPECT_NO_THROW(RuntimeConfig().validate()); }

TEST(RuntimeConfigTest, RefusesProvidersByName) {
  RuntimeConfig config;
  config.providers = {};
  expect_refused(config, {"providers", "none"});
  config.providers = {"cpu", "tpu"};
  expect_refused(config, {"providers", "cpu", "tpu"});
  config.providers = {"cpu", "cpu"};
  expect_refused(config, {"providers", "cpu", "twice"});
}

TEST(RuntimeConfigTest, BoundsThreads) {
  RuntimeConfig config;
  for (const int valid : {1, 1024}) {
    config.num_threads = valid;
    EXPECT_NO_THROW(config.validate());
  }
  for (const int invalid : {0, -1, 1025}) {
    config.num_threads = invalid;
    expect_refused(config, {"num_threads", std::to_string(invalid)});
  }
}

TEST(RuntimeConfigTest, APieceOfAPromptHasAPosition) {
  RuntimeConfig config;
  config.prefill_chunk_tokens = 0;
  expect_refused(config, {"prefill_chunk_tokens", "got 0"});
}

TEST(GenerationConfigTest, DefaultsAreValidAndGreedy) {
  const GenerationConfig config;
  EXPECT_NO_THROW(config.validate());
  EXPECT_EQ(config.temperature, 0.0f);
}

TEST(GenerationConfigTest, NamesTheFieldAndTheValue) {
  GenerationConfig config;
  config.max_new_tokens = 0;
  expect_refused(config, {"max_new_tokens", "got 0"});
  config = {};
  config.temperature = -0.5f;
  expect_refused(config, {"temperature", "-0.5"});
  config.temperature = std::numeric_limits<float>::quiet_NaN();
  expect_refused(config, {"temperature", "nan"});
  config.temperature = std::numeric_limits<float>::infinity();
  expect_refused(config, {"temperature", "inf"});
  config = {};
  config.top_k = 0;
  expect_refused(config, {"top_k", "got 0"});
  config = {};
  for (const float invalid : {0.0f, -1.0f, 1.5f, std::numeric_limits<float>::quiet_NaN()}) {
    config.top_p = invalid;
    expect_refused(config, {"top_p"});
  }
  config.top_p = 1.0f;
  EXPECT_NO_THROW(config.validate());
  for (const float invalid : {0.0f, -1.0f, std::numeric_limits<float>::infinity()}) {
    config.repetition_penalty = invalid;
    expect_refused(config, {"repetition_penalty"});
  }
}

}  // namespace
}  // namespace ufvideo
