#include "tracking/track_groups.h"

#include <algorithm>

namespace ufvideo {
namespace {

bool may_share(const TrackShape& a, const TrackShape& b) {
  if (a.is_prompted || b.is_prompted) {
    return a.is_prompted && b.is_prompted;
  }
  return a.is_settled && b.is_settled && a.num_memories == b.num_memories &&
         a.num_pointers == b.num_pointers;
}

}  // namespace

std::vector<TrackGroup> track_groups(const std::vector<TrackShape>& shapes,
                                     std::size_t max_objects) {
  std::vector<TrackGroup> groups;
  for (std::size_t object = 0; object < shapes.size(); ++object) {
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const TrackGroup& each) {
      return each.objects.size() < max_objects &&
             may_share(shapes[each.objects.front()], shapes[object]);
    });
    if (group != groups.end()) {
      group->objects.push_back(object);
    } else {
      groups.push_back({shapes[object].is_prompted, {object}});
    }
  }
  return groups;
}

}  // namespace ufvideo
