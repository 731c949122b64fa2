#pragma once

#include <cstddef>
#include <vector>

namespace ufvideo {

/// What decides which objects may share a run.
struct TrackShape {
  bool is_prompted;
  /// MemoryBank::is_settled.
  bool is_settled;
  std::size_t num_memories;
  std::size_t num_pointers;
};

/// Objects of one run, by their position.
struct TrackGroup {
  bool is_prompted;
  std::vector<std::size_t> objects;
};

/// Groups objects of equal shape, at most `max_objects` in each, in the order of their first
/// object. An object whose memory still grows goes alone: its shape lasts for a frame, and with
/// other numbers of objects there would be many shapes more.
std::vector<TrackGroup> track_groups(const std::vector<TrackShape>& shapes,
                                     std::size_t max_objects);

}  // namespace ufvideo
