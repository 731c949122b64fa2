"""SigLIP's configuration for transformers, from the checkpoint's sizes."""

from __future__ import annotations

from transformers import SiglipVisionConfig

from ufvideo_export.checkpoint.config import SiglipSizes


def siglip_config(
    sizes: SiglipSizes, num_layers: int, *, pooling_head: bool = True
) -> SiglipVisionConfig:
    """SigLIP's configuration for transformers."""
    return SiglipVisionConfig(
        hidden_size=sizes.hidden_size,
        intermediate_size=sizes.intermediate_size,
        num_hidden_layers=num_layers,
        num_attention_heads=sizes.num_attention_heads,
        image_size=sizes.image_size_px,
        patch_size=sizes.patch_size_px,
        layer_norm_eps=sizes.layer_norm_eps,
        hidden_act=sizes.hidden_act,
        vision_use_head=pooling_head,
    )
