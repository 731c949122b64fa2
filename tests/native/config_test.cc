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

TEST(RuntimeConfigTest, TheCpuComesLast) {
  RuntimeConfig config;
  config.providers = {"tensorrt", "cuda", "cpu"};
  EXPECT_NO_THROW(config.validate());
  config.providers = {"cuda"};
  EXPECT_NO_THROW(config.validate());
  config.providers = {"cpu", "cuda"};
  expect_refused(config, {"providers", "\"cpu\" last", "\"cuda\" behind it"});
}

TEST(RuntimeConfigTest, AStageMayHaveItsOwnProvidersAndOptions) {
  RuntimeConfig config;
  config.providers = {"tensorrt", "cuda", "cpu"};
  config.stage_providers["language_model"] = {"cuda"};
  config.provider_options["cuda"] = {{"use_tf32", "0"}, {"cudnn_conv_algo_search", "DEFAULT"}};
  config.stage_provider_options["aligner"]["cuda"] = {{"use_tf32", "1"}};
  EXPECT_NO_THROW(config.validate());
  EXPECT_EQ(config.providers_of("language_model"), (std::vector<std::string>{"cuda"}));
  EXPECT_EQ(config.providers_of("aligner"), config.providers);
  EXPECT_EQ(config.options_of("language_model", "cuda"), config.provider_options.at("cuda"));
  EXPECT_EQ(config.options_of("aligner", "cuda"),
            (ProviderOptions{{"use_tf32", "1"}, {"cudnn_conv_algo_search", "DEFAULT"}}));
  EXPECT_TRUE(config.options_of("aligner", "tensorrt").empty());
}

TEST(RuntimeConfigTest, RefusesProviderSettingsByPlace) {
  RuntimeConfig config;
  config.stage_providers["tokenizer"] = {"cpu"};
  expect_refused(config, {"stage_providers", "language_model", "\"tokenizer\""});
  config = {};
  config.stage_providers["aligner"] = {};
  expect_refused(config, {"stage_providers[\"aligner\"]", "none"});
  config = {};
  config.device_id = -1;
  expect_refused(config, {"device_id", "-1"});
  config = {};
  config.device_memory_limit_bytes = 0;
  expect_refused(config, {"device_memory_limit_bytes", "got 0"});
  config = {};
  config.cuda_graphs = true;
  expect_refused(config, {"cuda_graphs", "\"cuda\" first", "got \"cpu\""});
  config.stage_providers["language_model"] = {"cuda", "cpu"};
  EXPECT_NO_THROW(config.validate());
  config = {};
  config.provider_options["rocm"] = {};
  expect_refused(config, {"provider_options", "\"rocm\""});
  config = {};
  config.provider_options["cpu"] = {{"use_arena", "1"}};
  expect_refused(config, {"provider_options", "none for \"cpu\"", "use_arena"});
  config = {};
  config.stage_provider_options["aligner"]["cuda"] = {{"gpu_mem_limit", "1"}};
  expect_refused(config, {"stage_provider_options[\"aligner\"]", "device_memory_limit_bytes"});
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

TEST(RuntimeConfigTest, BoundsBytesAlike) {
  const std::size_t beyond = std::size_t{1} << 63;
  const std::vector<std::string> texts{"from 0 to 9223372036854775807, got 9223372036854775808"};
  for (const auto member : {&RuntimeConfig::mask_cache_bytes, &RuntimeConfig::region_cache_bytes,
                            &RuntimeConfig::pixel_cache_bytes}) {
    RuntimeConfig config;
    config.*member = beyond - 1;
    EXPECT_NO_THROW(config.validate());
    config.*member = beyond;
    expect_refused(config, texts);
  }
  for (const auto member : {&RuntimeConfig::memory_budget_bytes, &RuntimeConfig::kv_cache_bytes}) {
    RuntimeConfig config;
    config.*member = beyond - 1;
    EXPECT_NO_THROW(config.validate());
    config.*member = beyond;
    expect_refused(config, texts);
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
  config.min_new_tokens = -1;
  expect_refused(config, {"min_new_tokens", "got -1"});
  config.min_new_tokens = config.max_new_tokens + 1;
  expect_refused(config, {"min_new_tokens", "expected max_new_tokens, 2048, or less, got 2049"});
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
