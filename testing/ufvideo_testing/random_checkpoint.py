"""Checkpoints of any size in the released on-disk format, with random weights.

For tests and for measuring speed: the words such a model says mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn
from transformers import SiglipVisionModel

from testing.ufvideo_testing.random_tokenizer import SEG_OFFSET, num_needed_tokens, write_tokenizer
from testing.ufvideo_testing.random_weights import write_random_weights
from ufvideo_export.checkpoint.checkpoint import (
    ALIGNER_PREFIX,
    INNER_SIGLIP_PREFIX,
    REGION_ENCODER_PREFIX,
    SEG_PROJECTION_PREFIX,
    SIGLIP_PREFIX,
    Keys,
    language_model_keys,
    prefixed_keys,
    sam2_keys,
    tensor_parts,
)
from ufvideo_export.checkpoint.config import (
    ALIGNER_PADDING,
    ModelSizes,
    Sam2Sizes,
    SiglipSizes,
)
from ufvideo_export.checkpoint.config_files import SIGLIP_FOLDER, ConfigFiles
from ufvideo_export.torch_model.aligner import Aligner, RegionEncoder
from ufvideo_export.torch_model.mask_model import Sam2Widths, build_sam2_video
from ufvideo_export.torch_model.model import build_language_model, build_seg_projection
from ufvideo_export.torch_model.vision_encoder import siglip_config

_DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}


@dataclass(frozen=True)
class RandomSizes:
    """Every size of a checkpoint; the defaults export in seconds."""

    hidden_size: int = 64
    intermediate_size: int = 96
    num_layers: int = 2
    num_attention_heads: int = 4
    num_key_value_heads: int = 2
    # Tokens without a meaning fill the vocabulary up; None: as few as there can be.
    vocab_size: int | None = None
    max_position_embeddings: int = 512
    tie_word_embeddings: bool = False
    num_frames: int = 4
    mm_projector_type: str = "stc_connector_v35"
    num_aligner_blocks: int = 2
    siglip: SiglipSizes = field(
        default_factory=lambda: SiglipSizes(
            hidden_size=32,
            intermediate_size=64,
            num_layers=3,
            num_attention_heads=2,
            image_size_px=28,
            patch_size_px=7,
            layer_norm_eps=1e-6,
            hidden_act="gelu_pytorch_tanh",
        )
    )
    siglip_inside: bool = False
    sam2: Sam2Sizes = field(
        default_factory=lambda: Sam2Sizes(
            image_size_px=64,
            embed_dim=8,
            num_heads=1,
            stages=(1, 1, 2, 1),
            global_att_blocks=(3,),
            window_spec=(8, 4, 4, 2),
            window_pos_embed_bkg_spatial_size=(5, 5),
            mask_decoder_mlp_dim=48,
            memory_attention_layers=1,
            memory_attention_feedforward=32,
        )
    )
    sam2_widths: Sam2Widths = field(default_factory=lambda: Sam2Widths(64, 16, 7))
    num_shards: int = 1
    dtype: str = "float16"


# About 100 million parameters, spread over the stages roughly as in the released model.
HUNDRED_MILLION = RandomSizes(
    hidden_size=768,
    intermediate_size=2560,
    num_layers=7,
    num_attention_heads=12,
    num_key_value_heads=2,
    vocab_size=4096,
    max_position_embeddings=4096,
    num_frames=8,
    num_aligner_blocks=2,
    siglip=SiglipSizes(
        hidden_size=384,
        intermediate_size=1536,
        num_layers=8,
        num_attention_heads=6,
        image_size_px=196,
        patch_size_px=14,
        layer_norm_eps=1e-6,
        hidden_act="gelu_pytorch_tanh",
    ),
    sam2=Sam2Sizes(
        image_size_px=256,
        embed_dim=48,
        num_heads=1,
        stages=(1, 2, 6, 2),
        global_att_blocks=(5, 7),
        window_spec=(8, 4, 8, 4),
        window_pos_embed_bkg_spatial_size=(7, 7),
        mask_decoder_mlp_dim=1024,
        memory_attention_layers=2,
        memory_attention_feedforward=1024,
    ),
    sam2_widths=Sam2Widths(256, 64, 7),
)


def make_random_checkpoint(path: Path, sizes: RandomSizes, seed: int) -> Path:
    """Write a checkpoint; equal arguments give equal bytes.

    Args:
        path: The folder to make. SigLIP goes to `siglip` in it, unless it is to be inside.
        sizes: Every size.
        seed: Of the weights.

    Returns:
        `path`.

    Raises:
        FileExistsError: When the folder exists.
    """
    write_config_files(path, sizes)
    random = torch.Generator().manual_seed(seed)
    dtype = _DTYPES[sizes.dtype]
    shapes, siglip = checkpoint_shapes(sizes)
    write_random_weights(path, shapes, sizes.num_shards, dtype, random)
    if siglip:
        write_random_weights(path / SIGLIP_FOLDER, siglip, 1, dtype, random)
    return path


def write_config_files(path: Path, sizes: RandomSizes) -> None:
    """Write everything of a checkpoint but its weights.

    Args:
        path: The folder to make, with a folder `siglip` in it.
        sizes: Every size.

    Raises:
        FileExistsError: When the folder exists.
    """
    path.mkdir(parents=True)
    model = _model_sizes(sizes)
    write_tokenizer(path, model.vocab_size)
    files = ConfigFiles(model, sizes.siglip, sizes.sam2, sizes.mm_projector_type, sizes.dtype)
    files.write(path)


def checkpoint_shapes(
    sizes: RandomSizes,
) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """Every tensor of the checkpoint and of SigLIP's folder, which has none where it is inside."""
    with torch.device("meta"):
        modules = _modules(sizes, _model_sizes(sizes))
        siglip = SiglipVisionModel(siglip_config(sizes.siglip, sizes.siglip.num_layers))
    siglip = getattr(siglip, "vision_model", siglip)
    prefix = f"{INNER_SIGLIP_PREFIX if sizes.siglip_inside else ''}{SIGLIP_PREFIX}"
    siglip_part = (siglip, prefixed_keys(prefix))
    if sizes.siglip_inside:
        return dict(_shapes([*modules, siglip_part])), {}
    return dict(_shapes(modules)), dict(_shapes([siglip_part]))


def _model_sizes(sizes: RandomSizes) -> ModelSizes:
    vocab_size = num_needed_tokens() if sizes.vocab_size is None else sizes.vocab_size
    return ModelSizes(
        hidden_size=sizes.hidden_size,
        intermediate_size=sizes.intermediate_size,
        num_layers=sizes.num_layers,
        num_attention_heads=sizes.num_attention_heads,
        num_key_value_heads=sizes.num_key_value_heads,
        head_dim=sizes.hidden_size // sizes.num_attention_heads,
        vocab_size=vocab_size,
        max_position_embeddings=sizes.max_position_embeddings,
        rms_norm_eps=1e-6,
        rope_theta=1e6,
        tie_word_embeddings=sizes.tie_word_embeddings,
        aligner_padding=ALIGNER_PADDING[sizes.mm_projector_type],
        num_frames=sizes.num_frames,
        vision_select_layer=-2,
        vision_tower="siglip",
        sam_out_dim=sizes.sam2_widths.hidden_size,
        seg_token_id=vocab_size - SEG_OFFSET,
    )


def _modules(sizes: RandomSizes, model: ModelSizes) -> list[tuple[nn.Module, Keys]]:
    vision_width, width = sizes.siglip.hidden_size, sizes.hidden_size
    blocks = (sizes.num_aligner_blocks, sizes.num_aligner_blocks)
    return [
        (build_language_model(model), language_model_keys),
        (Aligner(vision_width, width, num_blocks=blocks), prefixed_keys(ALIGNER_PREFIX)),
        (RegionEncoder(vision_width, width), prefixed_keys(REGION_ENCODER_PREFIX)),
        (build_seg_projection(width, model.sam_out_dim), prefixed_keys(SEG_PROJECTION_PREFIX)),
        (build_sam2_video(sizes.sam2, sizes.sam2_widths), sam2_keys),
    ]


def _shapes(modules: list[tuple[nn.Module, Keys]]) -> Iterator[tuple[str, tuple[int, ...]]]:
    for module, keys in modules:
        for _, parts in tensor_parts(module, keys):
            yield from parts
