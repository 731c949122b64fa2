#include "netpbm.h"

#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>

namespace {

constexpr std::int64_t kMaxSide = 1 << 15;

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& expected) {
  throw std::runtime_error(path.string() + ": expected " + expected);
}

/// The next number of a header, in which "#" begins a comment that ends with the line.
std::int64_t header_number(std::istream& stream, const std::filesystem::path& path) {
  while ((stream >> std::ws).peek() == '#') {
    stream.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  std::int64_t number = 0;
  if (!(stream >> number) || number < 1 || number > kMaxSide) {
    refuse(path, "a width, a height and a largest value in a PPM header");
  }
  return number;
}

struct Size {
  std::int64_t height;
  std::int64_t width;
};

Size read_header(std::istream& stream, const std::filesystem::path& path) {
  std::string magic;
  if (!(stream >> magic) || magic != "P6") {
    refuse(path, "a binary PPM picture (P6)");
  }
  const std::int64_t width = header_number(stream, path);
  const std::int64_t height = header_number(stream, path);
  if (header_number(stream, path) != 255) {
    refuse(path, "8 bits a channel (a largest value of 255)");
  }
  stream.get();  // the one white space before the pixels
  return {height, width};
}

}  // namespace

ufvideo::Tensor read_ppm(const std::vector<std::filesystem::path>& paths) {
  ufvideo::Tensor frames;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    std::ifstream stream(paths[i], std::ios::binary);
    const Size size = read_header(stream, paths[i]);
    if (i == 0) {
      const auto num_frames = static_cast<std::int64_t>(paths.size());
      frames = ufvideo::Tensor(ufvideo::DType::kUint8, {num_frames, size.height, size.width, 3});
    } else if (size.height != frames.dim(1) || size.width != frames.dim(2)) {
      refuse(paths[i], "the size of the first frame");
    }
    const auto row = static_cast<std::int64_t>(i);
    ufvideo::Tensor frame = frames.rows(row, row + 1);
    const auto num_bytes = static_cast<std::streamsize>(frame.bytes());
    stream.read(static_cast<char*>(frame.raw()), num_bytes);
    if (stream.gcount() != num_bytes) {
      refuse(paths[i], std::to_string(num_bytes) + " bytes of pixels");
    }
  }
  return frames;
}

void write_pgm(const std::filesystem::path& path, const bool* mask, std::int64_t height,
               std::int64_t width) {
  std::ofstream stream(path, std::ios::binary);
  stream << "P5\n" << width << " " << height << "\n255\n";
  for (std::int64_t i = 0; i < height * width; ++i) {
    stream.put(mask[i] ? '\xff' : '\0');
  }
  if (!stream.flush()) {
    refuse(path, "to be able to write it");
  }
}
