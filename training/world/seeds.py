"""Which seeds serve what: the ranges are disjoint, so no test clip is ever trained on."""

TRAIN_SEEDS = range(0, 100_000_000)
# Of scenes that stand in for others that tell less.
MORE_TRAIN_SEEDS = range(1_000_000_000, 2_000_000_000)
VALIDATION_SEEDS = range(100_000_000, 100_010_000)
TEST_SEEDS = range(200_000_000, 200_010_000)
