#pragma once

#include <cstdint>

namespace ufvideo {

/// Whether none of `count` values is infinite or not a number.
bool all_finite(const float* values, std::int64_t count);

/// Index of the largest of values[begin] to values[last], the first of equal ones. All are finite.
std::int64_t first_of_largest(const float* values, std::int64_t begin, std::int64_t last);

}  // namespace ufvideo
