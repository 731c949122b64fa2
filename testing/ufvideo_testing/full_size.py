"""The sizes of the released 7B model (docs/model.md, part 1), for measurements at full size."""

from __future__ import annotations

from testing.ufvideo_testing.random_checkpoint import RandomSizes
from ufvideo_export.checkpoint.config import Sam2Sizes, SiglipSizes
from ufvideo_export.torch_model.mask_model import Sam2Widths

# SigLIP so400m with patches of 14 pixels.
SO400M = SiglipSizes(
    hidden_size=1152,
    intermediate_size=4304,
    num_layers=27,
    num_attention_heads=16,
    image_size_px=384,
    patch_size_px=14,
    layer_norm_eps=1e-6,
    hidden_act="gelu_pytorch_tanh",
)
# 8.2 billion values in the checkpoint and 0.4 in SigLIP; SAM 2's sizes are hiera-large's.
FULL_SIZE = RandomSizes(
    hidden_size=3584,
    intermediate_size=18944,
    num_layers=28,
    num_attention_heads=28,
    num_key_value_heads=4,
    vocab_size=151748,
    max_position_embeddings=32768,
    num_frames=32,
    num_aligner_blocks=4,
    siglip=SO400M,
    sam2=Sam2Sizes(),
    sam2_widths=Sam2Widths(hidden_size=256, memory_width=64, num_memories=7),
    num_shards=16,
)
