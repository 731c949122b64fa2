#include "ort/onnxruntime_library.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "error_expectation.h"
#include "onnxruntime_path.h"
#include "temporary_folder.h"
#include "ufvideo/runtime.h"

namespace ufvideo {
namespace {

namespace fs = std::filesystem;

// The library is opened once for the process, so the tests run in the order in which they stand.

TEST(OnnxRuntimeLibraryTest, NoPathSaysWhatToInstall) {
  expect_error(ErrorCode::kDeviceUnavailable, {"pip install \"onnxruntime>=1.22\""},
               [] { open_onnxruntime(""); });
}

TEST(OnnxRuntimeLibraryTest, MissingFileIsNamed) {
  expect_error(ErrorCode::kDeviceUnavailable,
               {"/nowhere/libonnxruntime.so", "pip install \"onnxruntime>=1.22\""},
               [] { open_onnxruntime("/nowhere/libonnxruntime.so"); });
}

TEST(OnnxRuntimeLibraryTest, FileThatIsNoLibraryIsNamed) {
  TemporaryFolder folder;
  folder.write("libonnxruntime.so", "text");
  expect_error(ErrorCode::kDeviceUnavailable,
               {(folder.path() / "libonnxruntime.so").string(), "pip install"},
               [&] { open_onnxruntime(folder.path() / "libonnxruntime.so"); });
}

TEST(OnnxRuntimeLibraryTest, AnotherLibraryIsNamed) {
  expect_error(ErrorCode::kDeviceUnavailable, {UFVIDEO_OTHER_LIBRARY, "OrtGetApiBase"},
               [] { open_onnxruntime(UFVIDEO_OTHER_LIBRARY); });
}

TEST(OnnxRuntimeLibraryTest, OldVersionNamesFoundNeededAndCommand) {
  expect_error(
      ErrorCode::kDeviceUnavailable,
      {"1.20.1", "1.22 or newer", UFVIDEO_OLD_ONNXRUNTIME, "pip install \"onnxruntime>=1.22\""},
      [] { open_onnxruntime(UFVIDEO_OLD_ONNXRUNTIME); });
}

TEST(OnnxRuntimeLibraryTest, ReportsNothingToItsVendor) {
  // As on a machine that is no CI: there the library would report, and keep an id of the device.
  TemporaryFolder home;
  for (const char* name : {"CI", "GITHUB_ACTIONS", "TF_BUILD", "ORT_DISABLE_TELEMETRY"}) {
    unsetenv(name);
  }
  for (const char* name : {"HOME", "XDG_CACHE_HOME"}) {
    setenv(name, home.path().c_str(), 1);
  }
  open_onnxruntime(onnxruntime_path());
  const char* off = std::getenv("ORT_DISABLE_TELEMETRY");
  ASSERT_NE(off, nullptr);
  EXPECT_STREQ(off, "1");
  EXPECT_TRUE(fs::is_empty(home.path()));
}

TEST(OnnxRuntimeLibraryTest, OpensAfterFailuresFromManyThreadsAtOnce) {
  const fs::path path = onnxruntime_path();
  std::vector<std::thread> threads;
  std::vector<OnnxRuntimeFacts> facts(8);
  for (auto& fact : facts) {
    threads.emplace_back([&fact, &path] { fact = open_onnxruntime(path); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& fact : facts) {
    EXPECT_EQ(fact.version.substr(0, 2), "1.");
    EXPECT_EQ(fact.library, fs::canonical(onnxruntime_path()));
    EXPECT_EQ(std::count(fact.providers.begin(), fact.providers.end(), "CPUExecutionProvider"), 1);
  }
}

TEST(OnnxRuntimeLibraryTest, OneEnvironmentForTheProcess) {
  EXPECT_EQ(&onnxruntime_env(onnxruntime_path()), &onnxruntime_env(onnxruntime_path()));
}

TEST(OnnxRuntimeLibraryTest, ALinkToTheSameLibraryIsTheSame) {
  TemporaryFolder folder;
  fs::create_symlink(onnxruntime_path(), folder.path() / "link.so");
  EXPECT_EQ(open_onnxruntime(folder.path() / "link.so").library, fs::canonical(onnxruntime_path()));
}

TEST(OnnxRuntimeLibraryTest, ASecondLibraryIsRefused) {
  const std::string open = fs::canonical(onnxruntime_path()).string();
  expect_error(ErrorCode::kInvalidConfig, {open, UFVIDEO_OLD_ONNXRUNTIME},
               [] { open_onnxruntime(UFVIDEO_OLD_ONNXRUNTIME); });
}

}  // namespace
}  // namespace ufvideo
