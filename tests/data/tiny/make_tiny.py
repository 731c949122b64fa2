"""Write the package of the C++ session tests: a random model, small enough to be committed.

It has everything a released package has, so that the sanitized tests drive the real graphs without
Python: two layers that share one KV head, a context of two blocks, all seven stages in fp32.

Run it from anywhere, with the export extra installed: `python tests/data/tiny/make_tiny.py`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from ufvideo_export import export_package
from ufvideo_export.checkpoint_config import Sam2Sizes, SiglipSizes
from ufvideo_export.mask_model import Sam2Widths
from ufvideo_export.random_checkpoint import RandomSizes, make_random_checkpoint

HERE = Path(__file__).parent
SIZES = RandomSizes(
    hidden_size=32,
    intermediate_size=32,
    num_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    max_position_embeddings=512,
    num_frames=4,
    num_aligner_blocks=1,
    siglip=SiglipSizes(
        hidden_size=16,
        intermediate_size=16,
        num_layers=2,
        num_attention_heads=2,
        image_size_px=28,
        patch_size_px=7,
        layer_norm_eps=1e-6,
        hidden_act="gelu_pytorch_tanh",
    ),
    sam2=Sam2Sizes(
        image_size_px=64,
        embed_dim=8,
        num_heads=1,
        stages=(1, 1, 2, 1),
        global_att_blocks=(3,),
        window_spec=(8, 4, 4, 2),
        window_pos_embed_bkg_spatial_size=(5, 5),
        mask_decoder_mlp_dim=16,
        memory_attention_layers=1,
        memory_attention_feedforward=16,
    ),
    sam2_widths=Sam2Widths(32, 16, 7),
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = make_random_checkpoint(Path(folder) / "tiny", SIZES, seed=1)
        export_package(checkpoint, HERE / "package", force=True)


if __name__ == "__main__":
    main()
