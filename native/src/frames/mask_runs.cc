#include "ufvideo/mask_runs.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/error_message.h"

namespace ufvideo {
namespace {

constexpr char kFirstCharacter = '0';
constexpr std::uint32_t kMoreGroups = 0x20;
constexpr std::uint32_t kNegative = 0x10;
constexpr int kMaxGroups = 12;
// COCO writes the first three runs as they are.
constexpr std::size_t kFirstDifference = 3;
constexpr std::int64_t kMaxPixels = std::int64_t{1} << 28;

void check_size(int height, int width) {
  if (height < 1 || width < 1 || std::int64_t{height} * width > kMaxPixels) {
    fail(ErrorCode::kInvalidInput, "expected a mask of 1 to ", kMaxPixels, " pixels, got ", height,
         " x ", width);
  }
}

void append_number(std::int64_t value, std::string& counts) {
  bool more = true;
  while (more) {
    const auto group = static_cast<std::uint32_t>(value & 0x1f);
    value >>= 5;
    more = value != ((group & kNegative) != 0 ? -1 : 0);
    counts.push_back(static_cast<char>(kFirstCharacter + (more ? group | kMoreGroups : group)));
  }
}

std::string packed(const std::vector<std::int64_t>& runs) {
  std::string counts;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    append_number(i >= kFirstDifference ? runs[i] - runs[i - 2] : runs[i], counts);
  }
  return counts;
}

/// A pixel that differs from the one before it down the columns, or is set and the first of all.
struct Change {
  int x;
  int y;
};

/// Changes within the columns, row by row: two rows are compared eight pixels at a time.
void append_changes(const std::uint8_t* above, const std::uint8_t* row, int y, int width,
                    std::vector<Change>& changes) {
  constexpr int kStep = 8;
  int x = 0;
  for (; x + kStep <= width; x += kStep) {
    std::uint64_t upper;
    std::uint64_t lower;
    std::memcpy(&upper, above + x, kStep);
    std::memcpy(&lower, row + x, kStep);
    if (upper == lower) {
      continue;
    }
    for (int i = x; i < x + kStep; ++i) {
      if (above[i] != row[i]) {
        changes.push_back({i, y});
      }
    }
  }
  for (; x < width; ++x) {
    if (above[x] != row[x]) {
      changes.push_back({x, y});
    }
  }
}

std::vector<Change> changes_by_row(const std::uint8_t* mask, int height, int width) {
  std::vector<Change> changes;
  const std::uint8_t* last = mask + static_cast<std::size_t>(height - 1) * width;
  for (int x = 0; x < width; ++x) {
    if (mask[x] != (x == 0 ? 0 : last[x - 1])) {
      changes.push_back({x, 0});
    }
  }
  for (int y = 1; y < height; ++y) {
    const std::uint8_t* row = mask + static_cast<std::size_t>(y) * width;
    append_changes(row - width, row, y, width, changes);
  }
  return changes;
}

/// Positions of the changes down the columns, ascending: a counting sort, since the rows of each
/// column are in order already.
std::vector<std::int64_t> positions_by_column(const std::vector<Change>& changes, int height,
                                              int width) {
  std::vector<std::size_t> next(static_cast<std::size_t>(width) + 1, 0);
  for (const Change& change : changes) {
    ++next[change.x + 1];
  }
  for (int x = 0; x < width; ++x) {
    next[x + 1] += next[x];
  }
  std::vector<std::int64_t> positions(changes.size());
  for (const Change& change : changes) {
    positions[next[change.x]++] = std::int64_t{change.x} * height + change.y;
  }
  return positions;
}

/// The lengths of runs, one after the other, each checked.
class RunReader {
 public:
  RunReader(const std::string& counts, int height, int width)
      : counts_(counts), height_(height), width_(width) {
    check_size(height, width);
    left_ = std::int64_t{height} * width;
  }

  /// Reads the next run; false at the end, where all pixels are accounted for.
  bool next() {
    if (at_ == counts_.size()) {
      if (left_ != 0) {
        fail_to_fill(std::int64_t{height_} * width_ - left_);
      }
      return false;
    }
    start_ += length_;
    const std::int64_t number = next_number();
    const std::int64_t length = num_ >= kFirstDifference ? number + before_[num_ % 2] : number;
    if (length < 0) {
      fail(ErrorCode::kInvalidInput, "expected run lengths of 0 or more, got ", length, " as run ",
           num_);
    }
    if (length > left_) {
      fail_to_fill(std::int64_t{height_} * width_ - left_ + length);
    }
    before_[num_ % 2] = length;
    length_ = length;
    left_ -= length;
    is_set_ = num_ % 2 == 1;
    ++num_;
    return true;
  }

  bool is_set() const { return is_set_; }
  /// Position of its first pixel down the columns, and the one behind its last.
  std::int64_t start() const { return start_; }
  std::int64_t end() const { return start_ + length_; }

 private:
  std::int64_t next_number() {
    std::uint64_t value = 0;
    for (int shift = 0; at_ < counts_.size(); shift += 5) {
      const auto character = static_cast<unsigned char>(counts_[at_]);
      if (character < kFirstCharacter || character >= kFirstCharacter + 64) {
        fail(ErrorCode::kInvalidInput, "expected characters '0' to 'o', got byte ", int{character},
             " at ", at_);
      }
      if (shift == 5 * kMaxGroups) {
        fail(ErrorCode::kInvalidInput, "expected a run length of at most ", shift,
             " bits, got more at ", at_);
      }
      const std::uint32_t group = character - kFirstCharacter;
      value |= static_cast<std::uint64_t>(group & 0x1f) << shift;
      ++at_;
      if ((group & kMoreGroups) == 0) {
        const auto number = static_cast<std::int64_t>(value);
        return (group & kNegative) != 0 ? number - (std::int64_t{1} << (shift + 5)) : number;
      }
    }
    fail(ErrorCode::kInvalidInput, "expected a whole run length at the end, got a cut one");
  }

  [[noreturn]] void fail_to_fill(std::int64_t num_pixels) const {
    fail(ErrorCode::kInvalidInput, "expected run lengths that fill ", height_, " x ", width_,
         " pixels, got ", num_pixels);
  }

  const std::string& counts_;
  int height_;
  int width_;
  std::size_t at_ = 0;
  std::size_t num_ = 0;
  std::int64_t left_ = 0;
  std::int64_t start_ = 0;
  std::int64_t length_ = 0;
  std::int64_t before_[2] = {0, 0};
  bool is_set_ = false;
};

}  // namespace

std::string encode_mask_runs(const bool* mask, int height, int width) {
  check_size(height, width);
  const auto* pixels = reinterpret_cast<const std::uint8_t*>(mask);
  std::vector<std::int64_t> runs =
      positions_by_column(changes_by_row(pixels, height, width), height, width);
  // Convert run end positions to run lengths.
  runs.push_back(std::int64_t{height} * width);
  for (std::size_t i = runs.size() - 1; i > 0; --i) {
    runs[i] -= runs[i - 1];
  }
  return packed(runs);
}

void decode_mask_runs(const std::string& counts, int height, int width, bool* mask) {
  mask_extent(counts, height, width);
  auto* pixels = reinterpret_cast<std::uint8_t*>(mask);
  const auto row_size = static_cast<std::size_t>(width);
  std::memset(pixels, 0, row_size * height);
  const auto flip = [&](std::int64_t position) {
    pixels[position % height * width + position / height] ^= 1;
  };
  // First mark each pixel that differs from the pixel above it; in row 0, each set pixel. Then XOR
  // every row with the row above.
  for (RunReader run(counts, height, width); run.next();) {
    if (!run.is_set() || run.start() == run.end()) {
      continue;
    }
    flip(run.start());
    for (std::int64_t top = (run.start() / height + 1) * height; top < run.end(); top += height) {
      flip(top);
    }
    if (run.end() % height != 0) {
      flip(run.end());
    }
  }
  for (int y = 1; y < height; ++y) {
    std::uint8_t* row = pixels + row_size * y;
    const std::uint8_t* above = row - row_size;
    for (std::size_t x = 0; x < row_size; ++x) {
      row[x] ^= above[x];
    }
  }
}

MaskExtent mask_extent(const std::string& counts, int height, int width) {
  MaskExtent extent;
  std::int64_t right = 0;
  std::int64_t bottom = 0;
  extent.left = width;
  extent.top = height;
  for (RunReader run(counts, height, width); run.next();) {
    if (!run.is_set() || run.start() == run.end()) {
      continue;
    }
    extent.num_pixels += run.end() - run.start();
    const std::int64_t first = run.start() / height;
    const std::int64_t last = (run.end() - 1) / height;
    extent.left = std::min(extent.left, first);
    right = std::max(right, last + 1);
    extent.top = std::min(extent.top, first == last ? run.start() % height : 0);
    bottom = std::max(bottom, first == last ? (run.end() - 1) % height + 1 : height);
  }
  if (extent.num_pixels == 0) {
    return {};
  }
  extent.width = right - extent.left;
  extent.height = bottom - extent.top;
  return extent;
}

}  // namespace ufvideo
