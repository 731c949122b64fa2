#include "ort/node_placement.h"

#include <gtest/gtest.h>

#include "tensor/device_memory.h"
#include "tiny_model.h"

namespace ufvideo {
namespace {

TEST(NodePlacementTest, ReadsTheLinesThatSayIt) {
  using Placed = std::pair<std::string, std::int64_t>;
  EXPECT_EQ(parse_placement(" All nodes placed on [CPUExecutionProvider]. Number of nodes: 47"),
            (Placed{"CPUExecutionProvider", 47}));
  EXPECT_EQ(parse_placement("  Node(s) placed on [CUDAExecutionProvider]. Number of nodes: 3"),
            (Placed{"CUDAExecutionProvider", 3}));
  for (const char* line : {"", "Node placements", "placed on [", "placed on [X]. Number of nodes: ",
                           "placed on [X]. Number of nodes: many", "Number of nodes: 3"}) {
    EXPECT_FALSE(parse_placement(line)) << line;
  }
}

TEST(NodePlacementTest, ADeviceCountsItsNodesAndTheCpuAloneDoesNot) {
  take_the_cpu_for_a_device(true);
  const auto model = Model::load(tiny_package(), tiny_config());
  take_the_cpu_for_a_device(false);
  for (const auto& [stem, providers] : model->stage_providers()) {
    ASSERT_EQ(providers.num_nodes.size(), 1u) << stem;
    EXPECT_GT(providers.num_nodes.at("cpu"), 0) << stem;
  }
  for (const auto& [stem, providers] : tiny_model()->stage_providers()) {
    EXPECT_TRUE(providers.num_nodes.empty()) << stem;
  }
}

}  // namespace
}  // namespace ufvideo
