"""Nano as PyTorch modules, one for each stage, and how its weights get to disk and back."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from transformers import Sam2VideoModel

from training.train.sizes import (
    NUM_ALIGNER_BLOCKS,
    SAM2,
    SAM2_WIDTHS,
    SIGLIP,
    TokenizerSizes,
    model_sizes,
)
from ufvideo_export.torch_model.aligner import Aligner, RegionEncoder
from ufvideo_export.torch_model.mask_model import sam2_config
from ufvideo_export.torch_model.model import build_language_model, build_seg_projection
from ufvideo_export.torch_model.vision_encoder import VisionEncoder


class Nano(nn.Module):
    """All stages; SAM 2 stands whole, with its memory."""

    def __init__(self, tokenizer: TokenizerSizes) -> None:
        super().__init__()
        self.sizes = model_sizes(tokenizer)
        width = self.sizes.hidden_size
        self.vision_encoder = VisionEncoder(SIGLIP, SIGLIP.num_layers - 1)
        self.aligner = Aligner(
            SIGLIP.hidden_size, width, num_blocks=(NUM_ALIGNER_BLOCKS, NUM_ALIGNER_BLOCKS)
        )
        self.region_encoder = RegionEncoder(SIGLIP.hidden_size, width)
        self.language_model = build_language_model(self.sizes)
        self.seg_projection = build_seg_projection(width, self.sizes.sam_out_dim)
        self.sam = Sam2VideoModel(sam2_config(SAM2, SAM2_WIDTHS))

    def load_part(self, path: Path, *names: str) -> None:
        """Fill some stages from a file of `save_part`."""
        parts = torch.load(path, map_location="cpu", weights_only=True)
        for name in names:
            getattr(self, name).load_state_dict(parts[name])

    def save_part(self, path: Path, *names: str) -> None:
        """Write some stages to a file; it appears whole or not at all."""
        save_whole({name: getattr(self, name).state_dict() for name in names}, path)


def save_whole(state: object, path: Path) -> None:
    """Write a file by one rename, so that a killed run leaves the old one."""
    scratch = path.with_name(path.name + ".part")
    torch.save(state, scratch)
    scratch.replace(path)
