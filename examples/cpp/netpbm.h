#pragma once

#include <ufvideo/tensor.h>

#include <cstdint>
#include <filesystem>
#include <vector>

/// Reads binary PPM pictures (P6, 8 bits) of one size.
///
/// @return RGB, uint8 [F, H, W, 3]. Throws std::runtime_error naming the file.
ufvideo::Tensor read_ppm(const std::vector<std::filesystem::path>& paths);

/// Writes a mask as a binary PGM picture, 255 where it is set.
///
/// @param mask [height, width], row after row.
void write_pgm(const std::filesystem::path& path, const bool* mask, std::int64_t height,
               std::int64_t width);
