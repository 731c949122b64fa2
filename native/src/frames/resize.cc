#include "ufvideo/resize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <future>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error_message.h"
#include "frames/resize_passes.h"

namespace ufvideo {
namespace {

constexpr double kBicubicSupport = 2.0;

double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1.0) {
    return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  }
  if (x < 2.0) {
    return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  }
  return 0.0;
}

Filter make_filter(int in_size, int out_size) {
  const double scale = static_cast<double>(in_size) / out_size;
  const double stretch = std::max(scale, 1.0);
  const double support = kBicubicSupport * stretch;
  const double inverse = 1.0 / stretch;
  Filter filter;
  const int max_taps = static_cast<int>(std::ceil(support)) * 2 + 1;
  filter.stride = (max_taps + kTapGroup - 1) / kTapGroup * kTapGroup;
  filter.taps.resize(out_size);
  filter.weights.assign(static_cast<std::size_t>(out_size) * filter.stride, 0);
  std::vector<double> exact(max_taps);
  for (int out = 0; out < out_size; ++out) {
    const double center = (out + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int last = std::min(static_cast<int>(center + support + 0.5), in_size);
    double sum = 0.0;
    for (int i = 0; i < last - first; ++i) {
      exact[i] = bicubic((i + first - center + 0.5) * inverse);
      sum += exact[i];
    }
    std::int32_t* weights = &filter.weights[static_cast<std::size_t>(out) * filter.stride];
    for (int i = 0; i < last - first; ++i) {
      const double weight = (sum != 0.0 ? exact[i] / sum : exact[i]) * (1 << kFractionBits);
      weights[i] = static_cast<std::int32_t>(weight < 0.0 ? weight - 0.5 : weight + 0.5);
    }
    filter.taps[out] = {first, last - first};
  }
  return filter;
}

/// Writes the weights in 16 bits too, for the horizontal pass.
void split_weights(Filter& filter) {
  for (const std::int32_t weight : filter.weights) {
    filter.low.push_back(static_cast<std::int16_t>(weight & ((1 << kLowBits) - 1)));
    filter.high.push_back(static_cast<std::int16_t>(weight >> kLowBits));
  }
}

const ResizePasses& passes_of(const ResizeOptions& options) {
  if (options.use_vectors) {
    for (const ResizePasses* passes : {avx2_passes(), neon_passes()}) {
      if (passes != nullptr) {
        return *passes;
      }
    }
  }
  return scalar_passes();
}

/// One frame on the way to another size.
struct FrameResize {
  const ResizePasses& passes;
  const Filter& horizontal;
  const Filter& vertical;
  const std::uint8_t* in;
  /// Behind the last byte that may be read.
  const std::uint8_t* in_end;
  int in_height;
  int in_width;
  int height;
  int width;
  std::uint8_t* out;
};

/// Rows [first, last) of the input at the new width.
void resize_width(const FrameResize& frame, int first, int last, std::uint8_t* out) {
  const std::size_t in_step = static_cast<std::size_t>(frame.in_width) * kChannels;
  const std::size_t out_step = static_cast<std::size_t>(frame.width) * kChannels;
  const auto readable = static_cast<std::size_t>(frame.in_end - frame.in);
  int whole = last;
  while (whole > first && whole * in_step + kReadBeyond > readable) {
    --whole;
  }
  frame.passes.rows(frame.horizontal, frame.in + first * in_step, whole - first, frame.in_width,
                    frame.width, out);
  // The last rows of all: nothing that may be read lies behind them.
  std::vector<std::uint8_t> padded(whole < last ? in_step + kReadBeyond : 0);
  for (int y = whole; y < last; ++y) {
    std::copy_n(frame.in + y * in_step, in_step, padded.begin());
    frame.passes.rows(frame.horizontal, padded.data(), 1, frame.in_width, frame.width,
                      out + (y - first) * out_step);
  }
}

/// Rows [first, last) of the result.
void resize_band(const FrameResize& frame, int first, int last) {
  const std::size_t out_step = static_cast<std::size_t>(frame.width) * kChannels;
  if (frame.in_height == frame.height) {
    resize_width(frame, first, last, frame.out + first * out_step);
    return;
  }
  const Taps top = frame.vertical.taps[first];
  const Taps bottom = frame.vertical.taps[last - 1];
  int first_in = 0;
  const std::uint8_t* in = frame.in;
  std::vector<std::uint8_t> between;
  if (frame.in_width != frame.width) {
    first_in = top.first;
    const int last_in = bottom.first + bottom.count;
    between.resize((last_in - first_in) * out_step);
    resize_width(frame, first_in, last_in, between.data());
    in = between.data();
  }
  for (int y = first; y < last; ++y) {
    const Taps taps = frame.vertical.taps[y];
    frame.passes.column(
        &frame.vertical.weights[static_cast<std::size_t>(y) * frame.vertical.stride], taps.count,
        in + (taps.first - first_in) * out_step, out_step, frame.out + y * out_step);
  }
}

/// The work begun in a thread of its own; nullopt if the system has none left.
template <typename Work>
std::optional<std::future<void>> begun(const Work& work, int i) {
  try {
    return std::async(std::launch::async, work, i);
  } catch (const std::system_error&) {
    return std::nullopt;
  }
}

/// The frame in bands of rows, one for each thread; each resizes the input rows that it needs.
void resize_frame(const FrameResize& frame, int num_threads) {
  // A thread costs what a band of this size does.
  constexpr std::int64_t kMinBandPixels = std::int64_t{1} << 18;
  const std::int64_t num_pixels = std::int64_t{frame.in_height} * frame.in_width;
  const auto most =
      static_cast<int>(std::clamp<std::int64_t>(num_pixels / kMinBandPixels, 1, frame.height));
  const int num_bands = std::min(num_threads, most);
  const auto band = [&](int i) {
    resize_band(frame, frame.height * std::int64_t{i} / num_bands,
                frame.height * (std::int64_t{i} + 1) / num_bands);
  };
  std::vector<std::future<void>> others;
  int next = 1;
  for (; next < num_bands; ++next) {
    std::optional<std::future<void>> other = begun(band, next);
    if (!other) {
      break;
    }
    others.push_back(std::move(*other));
  }
  // Without a free thread this one does the rest.
  band(0);
  for (; next < num_bands; ++next) {
    band(next);
  }
  for (std::future<void>& other : others) {
    other.get();
  }
}

void check(const Tensor& frames, int height, int width) {
  const Shape& shape = frames.shape();
  if (frames.dtype() != DType::kUint8 || shape.size() != 4 || shape[3] != kChannels) {
    fail(ErrorCode::kInvalidInput, "resize: frames: expected uint8 [T, H, W, 3], got ",
         dtype_name(frames.dtype()), " ", shape_string(shape));
  }
  constexpr std::int64_t kMaxSide = 1 << 16;
  const bool fits = shape[1] >= 1 && shape[2] >= 1 && shape[1] <= kMaxSide &&
                    shape[2] <= kMaxSide && height >= 1 && width >= 1 && height <= kMaxSide &&
                    width <= kMaxSide;
  if (!fits) {
    fail(ErrorCode::kInvalidInput, "resize: expected sides of 1 to ", kMaxSide, " pixels, got ",
         shape_string(shape), " to ", height, " x ", width);
  }
}

}  // namespace

Tensor resize_bicubic(const Tensor& frames, int height, int width, const ResizeOptions& options) {
  check(frames, height, width);
  if (options.num_threads < 1) {
    fail(ErrorCode::kInvalidInput, "resize: num_threads: expected 1 or more, got ",
         options.num_threads);
  }
  const int in_height = static_cast<int>(frames.dim(1));
  const int in_width = static_cast<int>(frames.dim(2));
  if (in_height == height && in_width == width) {
    return frames;
  }
  const auto num_frames = frames.dim(0);
  Tensor resized(DType::kUint8, {num_frames, height, width, kChannels});
  Filter horizontal = make_filter(in_width, width);
  split_weights(horizontal);
  const Filter vertical = make_filter(in_height, height);
  const std::size_t in_step = static_cast<std::size_t>(in_height) * in_width * kChannels;
  const std::size_t out_step = static_cast<std::size_t>(height) * width * kChannels;
  const auto* in = frames.data<std::uint8_t>();
  const std::uint8_t* in_end = in + num_frames * in_step;
  for (std::int64_t t = 0; t < num_frames; ++t) {
    resize_frame({passes_of(options), horizontal, vertical, in + t * in_step, in_end, in_height,
                  in_width, height, width, resized.data<std::uint8_t>() + t * out_step},
                 options.num_threads);
  }
  return resized;
}

}  // namespace ufvideo
