#include <gtest/gtest.h>

#include "error_expectation.h"
#include "onnxruntime_path.h"
#include "tiny_model.h"
#include "ufvideo/runtime.h"

namespace ufvideo {
namespace {

// What an error advises: the GPU wheel that pip finds has no code for a Jetson.
#if defined(__aarch64__)
constexpr const char* kWheel = "docs/jetson.md";
#else
constexpr const char* kWheel = "onnxruntime-gpu";
#endif

bool has_cuda() {
  const std::vector<std::string> names = open_onnxruntime(onnxruntime_path()).providers;
  return std::find(names.begin(), names.end(), "CUDAExecutionProvider") != names.end();
}

class WithoutCudaTest : public testing::Test {
 protected:
  void SetUp() override {
    if (has_cuda()) {
      GTEST_SKIP() << "the ONNX Runtime here has the CUDA provider";
    }
  }
};

TEST_F(WithoutCudaTest, StrictIsAnErrorThatNamesLibraryAndCommand) {
  RuntimeConfig config = tiny_config();
  config.providers = {"cuda", "cpu"};
  expect_error(ErrorCode::kDeviceUnavailable,
               {"expected \"cuda\" to start", "has no CUDAExecutionProvider",
                std::filesystem::canonical(onnxruntime_path()).string(), kWheel},
               [&] { Model::load(tiny_package(), config); });
}

TEST_F(WithoutCudaTest, FallbackTakesTheNextAndSaysWhy) {
  RuntimeConfig config = tiny_config();
  config.providers = {"tensorrt", "cuda", "cpu"};
  config.stage_providers["aligner"] = {"cpu"};
  config.allow_fallback = true;
  const ProvidersByStage stages = Model::load(tiny_package(), config)->stage_providers();
  EXPECT_EQ(stages.size(), 7u);
  const StageProviders& encoder = stages.at("vision_encoder");
  EXPECT_EQ(encoder.used, (std::vector<std::string>{"cpu"}));
  EXPECT_NE(encoder.left_out.at("cuda").find("CUDAExecutionProvider"), std::string::npos);
  EXPECT_NE(encoder.left_out.at("tensorrt").find("TensorrtExecutionProvider"), std::string::npos);
  EXPECT_EQ(stages.at("aligner").used, (std::vector<std::string>{"cpu"}));
  EXPECT_TRUE(stages.at("aligner").left_out.empty());
}

TEST_F(WithoutCudaTest, WhereNoneCanStartFallbackIsAnErrorToo) {
  RuntimeConfig config = tiny_config();
  config.providers = {"tensorrt", "cuda"};
  config.allow_fallback = true;
  expect_error(ErrorCode::kDeviceUnavailable, {"none could", "\"cuda\": ", "\"tensorrt\": "},
               [&] { Model::load(tiny_package(), config); });
}

TEST_F(WithoutCudaTest, TheProblemIsFoundWithoutAModel) {
  const auto problem = find_provider_problem(onnxruntime_path(), "tensorrt", 0);
  ASSERT_TRUE(problem);
  EXPECT_NE(problem->what.find("has no TensorrtExecutionProvider"), std::string::npos);
  EXPECT_FALSE(find_provider_problem(onnxruntime_path(), "cpu", 0));
}

TEST(ProvidersTest, TheCpuRunsEveryStage) {
  for (const auto& [stem, providers] : tiny_model()->stage_providers()) {
    EXPECT_EQ(providers.used, (std::vector<std::string>{"cpu"})) << stem;
    EXPECT_TRUE(providers.left_out.empty()) << stem;
  }
}

}  // namespace
}  // namespace ufvideo
