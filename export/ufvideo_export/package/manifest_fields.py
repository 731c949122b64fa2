"""What a manifest says of a checkpoint's sizes."""

from __future__ import annotations

from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.checkpoint.config import ARCHITECTURE
from ufvideo_sdk.package.manifest import ModelConfig, TrackingConfig, VideoConfig

MAX_REGION_TOKENS = 4
# Released SAM 2's; no tensor and no configuration of a checkpoint says it.
MAX_OBJECT_POINTERS = 16


def model_facts(checkpoint: Checkpoint, seg_hidden_state: str) -> ModelConfig:
    """Sizes of the network.

    Raises:
        PackageError: For a size that no package can hold.
    """
    sizes = checkpoint.sizes
    return ModelConfig(
        name=checkpoint.name,
        architecture=ARCHITECTURE,
        hidden_size=sizes.hidden_size,
        num_layers=sizes.num_layers,
        num_attention_heads=sizes.num_attention_heads,
        num_key_value_heads=sizes.num_key_value_heads,
        head_dim=sizes.head_dim,
        vocab_size=sizes.vocab_size,
        max_position_embeddings=sizes.max_position_embeddings,
        vision_hidden_size=checkpoint.siglip.hidden_size,
        max_region_tokens=MAX_REGION_TOKENS,
        seg_hidden_state=seg_hidden_state,
    )


def video_facts(checkpoint: Checkpoint) -> VideoConfig:
    """Sizes of what enters.

    Raises:
        PackageError: For a size that no package can hold.
    """
    return VideoConfig(
        num_frames=checkpoint.sizes.num_frames,
        vision_size_px=checkpoint.siglip.image_size_px,
        patch_grid=checkpoint.siglip.patch_grid,
        aligner_padding=checkpoint.sizes.aligner_padding,
        mask_size_px=checkpoint.sam2.image_size_px,
        mask_logits_size_px=checkpoint.sam2.mask_logits_size_px,
    )


def tracking_facts(checkpoint: Checkpoint) -> TrackingConfig:
    """Sizes of SAM 2's memory.

    Raises:
        PackageError: For a size that no package can hold.
    """
    encoding = checkpoint.sam2_shape("memory_temporal_positional_encoding")
    return TrackingConfig(
        num_memories=encoding[0],
        max_object_pointers=MAX_OBJECT_POINTERS,
        memory_width=encoding[-1],
    )
