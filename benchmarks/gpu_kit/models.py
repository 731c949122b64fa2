"""Which models the kit measures; their sizes are known where it is packed alone."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.latency.peers.sizes import HALF_BILLION
from benchmarks.latency.peers.weights import checkpoint_sizes
from testing.ufvideo_testing.full_size import FULL_SIZE
from testing.ufvideo_testing.random_checkpoint import RandomSizes

# A position's row of the rotary tables travels as it is: as many as a clip and an answer need.
_POSITIONS = 4096
MODELS: dict[str, dict[str, RandomSizes]] = {
    "full": {
        # Half a billion parameters in the language model, next to none elsewhere.
        "half": checkpoint_sizes(HALF_BILLION),
        "full": replace(FULL_SIZE, max_position_embeddings=_POSITIONS),
    },
    # The same steps in a minute.
    "quick": {"half": RandomSizes(), "full": RandomSizes(num_frames=6)},
}
PRECISIONS = ("fp16", "int4")
