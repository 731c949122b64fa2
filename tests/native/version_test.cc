#include "ufvideo/version.h"

#include <gtest/gtest.h>

namespace ufvideo {
namespace {

TEST(Version, IsThatOfTheProject) { EXPECT_EQ(version(), UFVIDEO_EXPECTED_VERSION); }

}  // namespace
}  // namespace ufvideo
