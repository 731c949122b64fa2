#pragma once

#include <cstdint>
#include <string>

namespace ufvideo {

/// How many pixels a mask has, and the box around them: pixels, all 0 for a mask without any.
struct MaskExtent {
  std::int64_t num_pixels = 0;
  std::int64_t left = 0;
  std::int64_t top = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
};

/// Returns the `counts` of a mask's COCO run-length code: lengths of runs down the columns, zeros
/// first, each as the difference to the run two before it (the first three as they are), in
/// five-bit groups, least significant first, as characters from '0' on.
///
/// Throws InvalidInput when height x width are not 1 to 2^28 pixels.
///
/// @param mask bool [height, width].
std::string encode_mask_runs(const bool* mask, int height, int width);

/// Writes the mask of a code.
///
/// @param mask bool [height, width]; nothing is written where it throws InvalidInput, as
/// mask_extent.
void decode_mask_runs(const std::string& counts, int height, int width, bool* mask);

/// Returns a mask's extent, from its code alone.
///
/// Throws InvalidInput when counts is malformed, its runs do not fill height x width pixels
/// exactly, or these are not 1 to 2^28.
MaskExtent mask_extent(const std::string& counts, int height, int width);

}  // namespace ufvideo
