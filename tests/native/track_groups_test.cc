#include "tracking/track_groups.h"

#include <gtest/gtest.h>

#include <vector>

namespace ufvideo {
namespace {

constexpr TrackShape kPrompted{true, false, 0, 0};
constexpr TrackShape kSettled{false, true, 7, 16};
constexpr TrackShape kPromptedAgain{false, true, 8, 17};
constexpr TrackShape kYoung{false, false, 3, 3};

using Groups = std::vector<std::vector<std::size_t>>;

Groups objects_of(const std::vector<TrackShape>& shapes, std::size_t max_objects) {
  Groups objects;
  for (const TrackGroup& group : track_groups(shapes, max_objects)) {
    EXPECT_EQ(group.is_prompted, shapes[group.objects.front()].is_prompted);
    objects.push_back(group.objects);
  }
  return objects;
}

TEST(TrackGroupsTest, EqualShapesShareARun) {
  const std::vector<TrackShape> shapes{kSettled, kPromptedAgain, kSettled, kPromptedAgain};
  EXPECT_EQ(objects_of(shapes, 4), (Groups{{0, 2}, {1, 3}}));
}

TEST(TrackGroupsTest, PromptedObjectsShareARunWhateverTheirMemory) {
  TrackShape old = kSettled;
  old.is_prompted = true;
  EXPECT_EQ(objects_of({kPrompted, kSettled, old}, 4), (Groups{{0, 2}, {1}}));
}

TEST(TrackGroupsTest, AnObjectInItsFirstFramesGoesAlone) {
  EXPECT_EQ(objects_of({kYoung, kYoung, kSettled}, 4), (Groups{{0}, {1}, {2}}));
}

TEST(TrackGroupsTest, ARunHasABound) {
  EXPECT_EQ(objects_of(std::vector<TrackShape>(5, kSettled), 2), (Groups{{0, 1}, {2, 3}, {4}}));
  EXPECT_EQ(objects_of({kPrompted, kPrompted, kSettled}, 1), (Groups{{0}, {1}, {2}}));
  EXPECT_TRUE(track_groups({}, 4).empty());
}

}  // namespace
}  // namespace ufvideo
