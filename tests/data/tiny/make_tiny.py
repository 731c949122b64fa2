"""Write the package of the C++ session tests: a random model, small enough to be committed.

It has everything a released package has, so that the sanitized tests drive the real graphs without
Python: two layers that share one KV head, a context of two blocks, all seven stages in fp32.

Run it from anywhere, with the export extra installed: `python tests/data/tiny/make_tiny.py`.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from testing.ufvideo_testing.random_checkpoint import RandomSizes, make_random_checkpoint
from ufvideo_export import export_package
from ufvideo_export.torch_model.mask_model import Sam2Widths

HERE = Path(__file__).parent
_DEFAULTS = RandomSizes()
SIZES = RandomSizes(
    hidden_size=32,
    intermediate_size=32,
    num_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    max_position_embeddings=512,
    num_frames=4,
    num_aligner_blocks=1,
    siglip=replace(_DEFAULTS.siglip, hidden_size=16, intermediate_size=16, num_layers=2),
    sam2=replace(_DEFAULTS.sam2, mask_decoder_mlp_dim=16, memory_attention_feedforward=16),
    sam2_widths=Sam2Widths(32, 16, 7),
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = make_random_checkpoint(Path(folder) / "tiny", SIZES, seed=1)
        export_package(checkpoint, HERE / "package", force=True)


if __name__ == "__main__":
    main()
