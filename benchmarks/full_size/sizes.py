"""Which checkpoints the command makes."""

from __future__ import annotations

from testing.ufvideo_testing.full_size import FULL_SIZE
from testing.ufvideo_testing.random_checkpoint import RandomSizes

# `quick` shows in a minute that every step runs.
SIZES = {"full": FULL_SIZE, "quick": RandomSizes(num_shards=3)}
