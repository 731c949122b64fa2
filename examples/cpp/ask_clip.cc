// Asks a package about a clip and prints the answer's tokens, spans and masks (docs/cpp.md).

#include <ufvideo/error.h>
#include <ufvideo/mask_runs.h>
#include <ufvideo/model.h>
#include <ufvideo/sampling.h>
#include <ufvideo/session.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "netpbm.h"

namespace {

namespace fs = std::filesystem;

constexpr const char* kUsage =
    "usage: ask_clip PACKAGE FRAMES TOKEN_IDS FPS [MASKS]\n"
    "  PACKAGE    what `ufvideo export` wrote\n"
    "  FRAMES     folder of PPM pictures, the clip's frames in the order of their names\n"
    "  TOKEN_IDS  what `ufvideo tokens QUESTION` printed\n"
    "  FPS        frames a second\n"
    "  MASKS      folder to write masks to, as PGM pictures\n"
    "UFVIDEO_ONNXRUNTIME_LIBRARY is the path of libonnxruntime.so\n";

std::vector<fs::path> frame_paths(const fs::path& folder) {
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".ppm") {
      paths.push_back(entry.path());
    }
  }
  if (paths.empty()) {
    throw std::runtime_error(folder.string() + ": expected .ppm files, found none");
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<std::int64_t> read_token_ids(const fs::path& path) {
  std::ifstream stream(path);
  std::vector<std::int64_t> ids;
  for (std::int64_t id = 0; stream >> id;) {
    ids.push_back(id);
  }
  if (ids.empty() || !stream.eof()) {
    throw std::runtime_error(path.string() + ": expected token ids with white space between");
  }
  return ids;
}

double parse_fps(const std::string& text) {
  char* end = nullptr;
  const double fps = std::strtod(text.c_str(), &end);
  if (end != text.c_str() + text.size() || !(fps > 0)) {
    throw std::runtime_error("FPS: expected a number above 0, got " + text);
  }
  return fps;
}

std::shared_ptr<const ufvideo::Model> load_model(const fs::path& package) {
  ufvideo::RuntimeConfig config;
  const char* library = std::getenv("UFVIDEO_ONNXRUNTIME_LIBRARY");
  config.onnxruntime_library = library == nullptr ? "" : library;
  return ufvideo::Model::load(package, config);
}

/// The frames the model looks at.
struct Sampled {
  /// One for each frame the model takes; they repeat in a short clip.
  std::vector<std::int64_t> frame_idxs;
  /// Each of them once.
  std::vector<std::int64_t> distinct_idxs;
  /// The distinct ones, RGB, uint8 [F, H, W, 3].
  ufvideo::Tensor frames;
};

Sampled read_sampled(const std::vector<fs::path>& paths, int num_frames) {
  Sampled sampled;
  const auto num_available = static_cast<std::int64_t>(paths.size());
  sampled.frame_idxs = ufvideo::sample_positions(num_available, num_frames);
  std::vector<fs::path> chosen;
  for (const std::int64_t idx : sampled.frame_idxs) {
    if (sampled.distinct_idxs.empty() || sampled.distinct_idxs.back() != idx) {
      sampled.distinct_idxs.push_back(idx);
      chosen.push_back(paths[idx]);
    }
  }
  sampled.frames = read_ppm(chosen);
  return sampled;
}

void print_answer(const ufvideo::Generation& answer, double duration_s) {
  std::cout << "tokens";
  for (const std::int64_t id : answer.token_ids) {
    std::cout << " " << id;
  }
  std::cout << "\n";
  for (const ufvideo::SpanFraction& span : answer.spans) {
    std::cout << "span " << span.start * duration_s << " s to " << span.end * duration_s << " s\n";
  }
}

void print_masks(const ufvideo::Segmentation& found, const std::vector<std::int64_t>& frame_idxs,
                 int height, int width, const std::optional<fs::path>& folder) {
  const auto num_frames = static_cast<std::int64_t>(frame_idxs.size());
  ufvideo::Tensor mask(ufvideo::DType::kBool, {height, width});
  for (std::size_t object = 0; object < found.runs.size(); ++object) {
    for (std::int64_t frame = 0; frame < num_frames; ++frame) {
      const std::string& runs = found.runs[object][frame];
      const std::string name =
          "object_" + std::to_string(object) + "_frame_" + std::to_string(frame_idxs[frame]);
      std::cout
          << "mask " << name << " " << ufvideo::mask_extent(runs, height, width).num_pixels
          << " pixels, score "
          << found.scores.data<float>()[static_cast<std::int64_t>(object) * num_frames + frame]
          << "\n";
      if (folder) {
        ufvideo::decode_mask_runs(runs, height, width, mask.data<bool>());
        write_pgm(*folder / (name + ".pgm"), mask.data<bool>(), height, width);
      }
    }
  }
}

void ask(const std::vector<std::string>& arguments) {
  const std::vector<fs::path> paths = frame_paths(arguments[1]);
  const std::vector<std::int64_t> token_ids = read_token_ids(arguments[2]);
  const double duration_s = static_cast<double>(paths.size() - 1) / parse_fps(arguments[3]);
  std::optional<fs::path> mask_folder;
  if (arguments.size() > 4) {
    mask_folder = arguments[4];
    fs::create_directories(*mask_folder);
  }

  const auto model = load_model(arguments[0]);
  const Sampled sampled = read_sampled(paths, model->manifest().video.num_frames);
  ufvideo::Session session(model);
  session.begin_clip(sampled.frame_idxs, /*is_image=*/false);
  session.add_frames(sampled.frames, sampled.distinct_idxs);
  session.end_clip();

  ufvideo::Prompt prompt;
  prompt.token_ids = token_ids;
  const ufvideo::Generation answer = session.generate(prompt, ufvideo::GenerationConfig());
  print_answer(answer, duration_s);
  if (!answer.seg_positions.empty()) {
    print_masks(session.segment(answer.seg_hidden_states, sampled.frames, sampled.distinct_idxs),
                sampled.distinct_idxs, static_cast<int>(sampled.frames.dim(1)),
                static_cast<int>(sampled.frames.dim(2)), mask_folder);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() < 4 || arguments.size() > 5) {
    std::cerr << kUsage;
    return 2;
  }
  try {
    ask(arguments);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
