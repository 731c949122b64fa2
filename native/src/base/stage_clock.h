#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "ufvideo/statistics.h"

namespace ufvideo {

using Clock = std::chrono::steady_clock;

inline double elapsed_ms(Clock::time_point since) {
  return std::chrono::duration<double, std::milli>(Clock::now() - since).count();
}

/// Runs `work` and adds its wall time and items to the stage's timing; nothing is added when it
/// throws.
template <typename Work>
auto timed(StageTimings& timings, const std::string& stem, std::int64_t num_items,
           const Work& work) {
  const Clock::time_point begin = Clock::now();
  auto result = work();
  StageTiming& timing = timings[stem];
  timing.total_ms += elapsed_ms(begin);
  timing.num_calls += 1;
  timing.num_items += num_items;
  return result;
}

/// What was added between two readings of one session's timings.
inline StageTimings timings_between(const StageTimings& before, const StageTimings& after) {
  StageTimings added;
  for (const auto& [stem, timing] : after) {
    const auto found = before.find(stem);
    const StageTiming earlier = found == before.end() ? StageTiming{} : found->second;
    if (timing.num_calls > earlier.num_calls) {
      added[stem] = {timing.num_calls - earlier.num_calls, timing.num_items - earlier.num_items,
                     timing.total_ms - earlier.total_ms};
    }
  }
  return added;
}

}  // namespace ufvideo
