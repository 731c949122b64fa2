"""SigLIP up to the layer whose output the aligner reads (docs/model.md, part 3)."""

from __future__ import annotations

import torch
from torch import nn
from transformers import SiglipVisionModel

from ufvideo_export.checkpoint.config import SiglipSizes
from ufvideo_export.checkpoint.siglip_config import siglip_config


class VisionEncoder(nn.Module):
    """Frames to patch features; layers behind `num_layers` and the head are never built."""

    def __init__(self, sizes: SiglipSizes, num_layers: int) -> None:
        super().__init__()
        model = SiglipVisionModel(siglip_config(sizes, num_layers, pooling_head=False))
        # The wrapper around the model proper is gone in newer releases of transformers.
        model = getattr(model, "vision_model", model)
        self.embeddings = model.embeddings
        self.encoder = model.encoder

    def encode(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Normalised pixels, float32 [T, 3, S, S] -> features, float32 [T, P, Dv]."""
        states = self.encoder(inputs_embeds=self.embeddings(pixel_values))
        return states.last_hidden_state

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """RGB frames of the model's size, uint8 [T, S, S, 3] -> features, float32 [T, P, Dv]."""
        pixel_values = (frames.to(torch.float32) / 255 - 0.5) / 0.5
        return self.encode(pixel_values.permute(0, 3, 1, 2))
