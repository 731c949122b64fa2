#include "ort/provider_problem.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include "temporary_folder.h"

namespace ufvideo {
namespace {

namespace fs = std::filesystem;

/// A folder of an ONNX Runtime whose provider for CUDA is this library.
class ProviderProblemTest : public testing::Test {
 protected:
  fs::path library() const { return folder_.path() / "libonnxruntime.so.1.31.1"; }
  void put(const std::string& name, const fs::path& file) {
    fs::copy_file(file, folder_.path() / name);
  }
  ProviderProblem problem_with(const fs::path& provider, const std::string& said = "nothing") {
    put("libonnxruntime_providers_cuda.so", provider);
    return provider_problem("cuda", library(), said);
  }
  static void expect_text(const std::string& text, const std::vector<std::string>& parts) {
    for (const std::string& part : parts) {
      EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
    }
  }
  static bool has_driver() { return dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL) != nullptr; }

 private:
  TemporaryFolder folder_;
};

TEST_F(ProviderProblemTest, AMissingFileIsNamed) {
  const auto without_shared = missing_provider_file("cuda", library());
  ASSERT_TRUE(without_shared);
  expect_text(without_shared->what, {"libonnxruntime_providers_shared.so is missing"});
  EXPECT_EQ(without_shared->mend, std::string(mend_for_provider()));
  put("libonnxruntime_providers_shared.so", UFVIDEO_OTHER_LIBRARY);
  const auto without_cuda = missing_provider_file("cuda", library());
  ASSERT_TRUE(without_cuda);
  expect_text(without_cuda->what, {"libonnxruntime_providers_cuda.so is missing"});
  put("libonnxruntime_providers_cuda.so", UFVIDEO_OTHER_LIBRARY);
  EXPECT_FALSE(missing_provider_file("cuda", library()));
}

// The three that follow stand in this order: a library that is loaded stays.
TEST_F(ProviderProblemTest, AMissingLibraryIsNamed) {
  const ProviderProblem problem = problem_with(UFVIDEO_PROVIDER_WITHOUT_CUDA);
  expect_text(problem.what, {"libonnxruntime_providers_cuda.so needs libfakecuda.so.13, which is"
                             " not there"});
#ifndef __aarch64__
  expect_text(problem.mend, {"pip install \"onnxruntime-gpu[cuda,cudnn]\""});
#endif
  if (!has_driver()) {
    expect_text(problem.what, {"nor is NVIDIA's driver (libcuda.so.1)"});
    expect_text(problem.mend, {"install NVIDIA's driver", "--gpus all"});
  }
}

TEST_F(ProviderProblemTest, AnotherVersionIsAClash) {
  ASSERT_NE(dlopen(UFVIDEO_OLDER_FAKE_CUDA, RTLD_NOW), nullptr) << dlerror();
  expect_text(problem_with(UFVIDEO_PROVIDER_WITHOUT_CUDA).what,
              {"needs libfakecuda.so.13", "the machine has libfakecuda.so.12",
               "a version it was not built for"});
}

TEST_F(ProviderProblemTest, WithItsLibraryTheReasonIsWhatOnnxRuntimeSaid) {
  ASSERT_NE(dlopen(UFVIDEO_FAKE_CUDA, RTLD_NOW), nullptr) << dlerror();
  expect_text(problem_with(UFVIDEO_PROVIDER_WITHOUT_CUDA, "it is tired").what,
              {"could not start \"cuda\"", "it is tired"});
}

TEST_F(ProviderProblemTest, TensorRtIsInstalledForTheProvidersCuda) {
  if (dlopen("libnvinfer.so.10", RTLD_LAZY | RTLD_LOCAL) != nullptr) {
    GTEST_SKIP() << "TensorRT is here";
  }
  const std::vector<std::pair<fs::path, std::string>> provider_and_mend{
      {UFVIDEO_TENSORRT_PROVIDER_CUDA12, "pip install \"tensorrt-cu12==10.*\""},
      {UFVIDEO_TENSORRT_PROVIDER_CUDA13, "pip install \"tensorrt-cu13==10.*\""},
      {UFVIDEO_TENSORRT_PROVIDER, "pip install \"tensorrt==10.*\""},
  };
  for (const auto& [provider, mend] : provider_and_mend) {
    TemporaryFolder folder;
    fs::copy_file(provider, folder.path() / "libonnxruntime_providers_tensorrt.so");
    const ProviderProblem problem = provider_problem("tensorrt", folder.path() / "lib.so", "");
    expect_text(problem.what, {"libonnxruntime_providers_tensorrt.so needs libnvinfer.so.10"});
#ifdef __aarch64__
    expect_text(problem.mend, {"nvidia-jetpack", "TensorRT"});
#else
    expect_text(problem.mend, {mend});
#endif
  }
}

TEST_F(ProviderProblemTest, AMissingDriverIsNamed) {
  if (has_driver()) {
    GTEST_SKIP() << "NVIDIA's driver is here";
  }
  const ProviderProblem problem = problem_with(UFVIDEO_PROVIDER_WITHOUT_DRIVER);
  expect_text(problem.what, {"needs libcuda.so.1, which is not there"});
  EXPECT_EQ(problem.what.find("nor is"), std::string::npos) << problem.what;
  expect_text(problem.mend, {"install NVIDIA's driver"});
}

TEST_F(ProviderProblemTest, AMissingSymbolIsNamed) {
  const ProviderProblem problem = problem_with(UFVIDEO_UNFIT_PROVIDER);
  expect_text(problem.what, {"libonnxruntime_providers_cuda.so does not fit", "nobody_has_this"});
}

TEST_F(ProviderProblemTest, WhatCudaSaidHasAMend) {
  put("libonnxruntime_providers_tensorrt.so", UFVIDEO_OTHER_LIBRARY);
  const std::vector<std::pair<std::string, std::string>> said_and_mend{
      {"CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version",
       "update NVIDIA's driver"},
      {"CUDA failure 100: no CUDA-capable device is detected", "nvidia-smi"},
      {"CUDA failure 101: invalid device ordinal", "device_id"},
      {"it is tired", "ufvideo doctor"},
  };
  for (const auto& [said, mend] : said_and_mend) {
    const ProviderProblem problem = provider_problem("tensorrt", library(), said);
    expect_text(problem.what, {"could not start \"tensorrt\"", said});
    expect_text(problem.mend, {mend});
  }
}

}  // namespace
}  // namespace ufvideo
