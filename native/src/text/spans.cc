#include "ufvideo/generation.h"

namespace ufvideo {

std::vector<SpanFraction> find_spans(const std::vector<std::int64_t>& token_ids,
                                     std::int64_t time_first_id, int num_time_tokens) {
  const auto fraction = [&](std::size_t i) -> double {
    return static_cast<double>(token_ids[i] - time_first_id) / (num_time_tokens - 1);
  };
  const auto is_time = [&](std::size_t i) {
    return i < token_ids.size() && token_ids[i] >= time_first_id &&
           token_ids[i] < time_first_id + num_time_tokens;
  };
  std::vector<SpanFraction> spans;
  std::size_t i = 0;
  while (i < token_ids.size()) {
    if (!is_time(i)) {
      ++i;
    } else if (!is_time(i + 1)) {
      spans.push_back({fraction(i), fraction(i)});
      ++i;
    } else {
      if (fraction(i) <= fraction(i + 1)) {
        spans.push_back({fraction(i), fraction(i + 1)});
      }
      i += 2;
    }
  }
  return spans;
}

}  // namespace ufvideo
