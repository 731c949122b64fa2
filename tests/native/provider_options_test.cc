#include "ort/provider_options.h"

#include <gtest/gtest.h>

namespace ufvideo {
namespace {

TEST(ProviderOptionsTest, AStageGetsItsOwnOnTopOfAllStagesOnTopOfTheDefaults) {
  RuntimeConfig config;
  config.providers = {"tensorrt", "cuda", "cpu"};
  config.device_id = 3;
  config.provider_options["cuda"] = {{"use_tf32", "1"}, {"cudnn_conv_algo_search", "HEURISTIC"}};
  config.stage_provider_options["aligner"]["cuda"] = {{"cudnn_conv_algo_search", "DEFAULT"}};
  config.stage_provider_options["aligner"]["tensorrt"] = {{"trt_fp16_enable", "1"}};
  EXPECT_EQ(session_options_of("aligner", "cuda", config),
            (ProviderOptions{{"device_id", "3"},
                             {"arena_extend_strategy", "kSameAsRequested"},
                             {"use_tf32", "1"},
                             {"cudnn_conv_algo_search", "DEFAULT"}}));
  EXPECT_EQ(session_options_of("language_model", "cuda", config).at("cudnn_conv_algo_search"),
            "HEURISTIC");
  EXPECT_EQ(session_options_of("aligner", "tensorrt", config),
            (ProviderOptions{{"device_id", "3"}, {"trt_fp16_enable", "1"}}));
  EXPECT_EQ(session_options_of("language_model", "tensorrt", config),
            (ProviderOptions{{"device_id", "3"}}));
}

TEST(ProviderOptionsTest, OnlyTheLanguageModelIsCaptured) {
  RuntimeConfig config;
  config.providers = {"cuda", "cpu"};
  config.device_memory_limit_bytes = 1024;
  EXPECT_EQ(session_options_of("language_model", "cuda", config).count("enable_cuda_graph"), 0u);
  EXPECT_EQ(session_options_of("language_model", "cuda", config).count("gpu_mem_limit"), 0u);
  config.cuda_graphs = true;
  const ProviderOptions captured = session_options_of("language_model", "cuda", config);
  EXPECT_EQ(captured.at("enable_cuda_graph"), "1");
  EXPECT_EQ(captured.at("gpu_mem_limit"), "1024");
  EXPECT_EQ(session_options_of("vision_encoder", "cuda", config).count("enable_cuda_graph"), 0u);
}

}  // namespace
}  // namespace ufvideo
