#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <numeric>
#include <optional>
#include <vector>

#include "onnxruntime_path.h"
#include "ufvideo/model.h"
#include "ufvideo/session.h"

namespace ufvideo {

inline constexpr int kHeight = 30;
inline constexpr int kWidth = 41;

/// The committed package of random weights (tests/data/tiny/make_tiny.py).
inline std::filesystem::path tiny_package() {
  return std::filesystem::path(UFVIDEO_TEST_DATA_DIR) / "tiny" / "package";
}

/// The same package with the stages that track, in a folder of its own; the folder must not exist.
inline std::filesystem::path tiny_track_package(const std::filesystem::path& folder) {
  std::filesystem::copy(tiny_package(), folder);
  std::filesystem::copy(
      std::filesystem::path(UFVIDEO_TEST_DATA_DIR) / "tiny" / "track", folder,
      std::filesystem::copy_options::overwrite_existing | std::filesystem::copy_options::recursive);
  return folder;
}

inline RuntimeConfig tiny_config() {
  RuntimeConfig config;
  config.onnxruntime_library = onnxruntime_path();
  config.num_threads = 1;
  return config;
}

/// The package's model, opened once a process.
inline std::shared_ptr<const Model> tiny_model() {
  static const std::shared_ptr<const Model> model = Model::load(tiny_package(), tiny_config());
  return model;
}

/// Frames uint8 [count, 30, 41, 3] of noise that is the same everywhere; frame i is the same
/// whatever the first.
inline Tensor noise(std::int64_t first, std::int64_t count) {
  Tensor frames(DType::kUint8, {count, kHeight, kWidth, 3});
  constexpr std::int64_t kBytes = std::int64_t{kHeight} * kWidth * 3;
  for (std::int64_t i = 0; i < count * kBytes; ++i) {
    const auto value = static_cast<std::uint64_t>(first * kBytes + i + 1) * 0x9E3779B97F4A7C15u;
    frames.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(value >> 56);
  }
  return frames;
}

inline std::vector<std::int64_t> indices(std::int64_t first, std::int64_t count) {
  std::vector<std::int64_t> idxs(count);
  std::iota(idxs.begin(), idxs.end(), first);
  return idxs;
}

/// A session about four frames of noise.
inline std::unique_ptr<Session> tiny_session() {
  auto session = std::make_unique<Session>(tiny_model());
  session->open_clip({noise(0, 4), indices(0, 4), false});
  return session;
}

/// A prompt about the clip: two words, the video, the question.
inline Prompt ask(const std::vector<std::int64_t>& question) {
  std::vector<std::int64_t> ids{11, 12, tiny_model()->manifest().tokens.video_placeholder_id};
  ids.insert(ids.end(), question.begin(), question.end());
  return {ids, {}, {}, {}};
}

/// A prompt with one marked object on the clip's frames 0 and 2.
inline Prompt ask_about_region(const std::vector<std::int64_t>& question) {
  Prompt prompt = ask(question);
  prompt.token_ids.push_back(tiny_model()->manifest().tokens.region_id);
  Tensor masks(DType::kBool, {2, kHeight, kWidth});
  std::fill_n(masks.data<bool>(), masks.elements(), false);
  std::fill_n(masks.data<bool>(), masks.elements() / 3, true);
  prompt.regions.push_back({{0, 2}, masks});
  return prompt;
}

inline GenerationConfig greedy(int max_new_tokens) {
  GenerationConfig config;
  config.max_new_tokens = max_new_tokens;
  return config;
}

}  // namespace ufvideo
