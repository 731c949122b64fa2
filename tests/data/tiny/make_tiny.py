"""Write the package of the C++ session tests: a random model, small enough to be committed.

It has everything a released package has, so that the sanitized tests drive the real graphs without
Python: two layers that share one KV head, a context of two blocks, all seven stages in fp32.

`track` holds what the same model has in addition where it tracks: three stages, and the manifest of
the whole. Both folders in one, those of `track` over the others, are that package.

Run it from anywhere, with the export extra installed: `python tests/data/tiny/make_tiny.py`.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from testing.ufvideo_testing.random_checkpoint import RandomSizes, make_random_checkpoint
from ufvideo_export import add_track, export_package
from ufvideo_export.torch_model.mask_model import Sam2Widths
from ufvideo_sdk.package.file_names import MANIFEST_NAME
from ufvideo_sdk.package.manifest import CAPABILITY_STAGES

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
        whole = Path(folder) / "whole"
        export_package(checkpoint, whole, track=False)
        shutil.rmtree(HERE / "package", ignore_errors=True)
        shutil.copytree(whole, HERE / "package")
        add_track(checkpoint, whole)
        (HERE / "track").mkdir(exist_ok=True)
        for name in (*(f"{stem}.onnx" for stem in CAPABILITY_STAGES["track"]), MANIFEST_NAME):
            shutil.copy(whole / name, HERE / "track" / name)


if __name__ == "__main__":
    main()
