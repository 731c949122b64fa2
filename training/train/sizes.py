"""Sizes of nano: every stage of the released model, small enough to ship inside a wheel."""

from __future__ import annotations

from dataclasses import dataclass

from ufvideo_export.checkpoint.config import ModelSizes, Sam2Sizes, SiglipSizes
from ufvideo_export.torch_model.mask_model import Sam2Widths

SIGLIP = SiglipSizes(
    hidden_size=96,
    intermediate_size=384,
    # The last layer is never used, as in the released model.
    num_layers=5,
    num_attention_heads=4,
    image_size_px=112,
    patch_size_px=14,
    layer_norm_eps=1e-6,
    hidden_act="gelu_pytorch_tanh",
)
SAM2 = Sam2Sizes(
    image_size_px=128,
    embed_dim=16,
    num_heads=1,
    stages=(1, 2, 6, 1),
    global_att_blocks=(4,),
    window_spec=(8, 4, 8, 4),
    window_pos_embed_bkg_spatial_size=(8, 8),
    mask_decoder_mlp_dim=256,
    memory_attention_layers=2,
    memory_attention_feedforward=256,
)
SAM2_WIDTHS = Sam2Widths(hidden_size=128, memory_width=64, num_memories=7)
NUM_FRAMES = 16
NUM_ALIGNER_BLOCKS = 2


@dataclass(frozen=True)
class TokenizerSizes:
    """What the sizes of the language model must know of the tokenizer."""

    vocab_size: int
    seg_id: int


def model_sizes(tokenizer: TokenizerSizes) -> ModelSizes:
    """Sizes of the language model and the aligner."""
    return ModelSizes(
        hidden_size=192,
        intermediate_size=512,
        num_layers=6,
        num_attention_heads=6,
        num_key_value_heads=2,
        head_dim=32,
        vocab_size=tokenizer.vocab_size,
        max_position_embeddings=2048,
        rms_norm_eps=1e-6,
        rope_theta=10000.0,
        tie_word_embeddings=True,
        aligner_padding=0,
        num_frames=NUM_FRAMES,
        vision_select_layer=-2,
        vision_tower="siglip",
        sam_out_dim=SAM2_WIDTHS.hidden_size,
        seg_token_id=tokenizer.seg_id,
    )
