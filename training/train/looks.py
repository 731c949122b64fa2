"""What a thing looks like as a mask prompt: stands in for the language model while SAM 2 learns.

The language model's [SEG] states are pulled towards these prompts before both learn together.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.world.scene import COLORS, KINDS, SIZES, Thing

NUM_LOOKS = 4


def looks_of(thing: Thing) -> NDArray[np.int64]:
    """Kind, first colour, last colour and size as numbers, int64 [NUM_LOOKS]."""
    size = len(SIZES) if thing.size is None else SIZES.index(thing.size)
    colors = (COLORS.index(thing.color), COLORS.index(thing.final_color))
    return np.array([KINDS.index(thing.kind), *colors, size], np.int64)


class LooksPrompt(nn.Module):
    """Looks to mask prompts."""

    def __init__(self, width: int) -> None:
        super().__init__()
        counts = (len(KINDS), len(COLORS), len(COLORS), len(SIZES) + 1)
        self.tables = nn.ModuleList(nn.Embedding(count, width) for count in counts)
        self.mix = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, looks: torch.Tensor) -> torch.Tensor:
        """int64 [..., NUM_LOOKS] -> float32 [..., width]."""
        states = torch.stack([table(looks[..., i]) for i, table in enumerate(self.tables)])
        return self.mix(states.sum(0))

    def spread(self) -> torch.Tensor:
        """Mean variance of a prompt's values over all looks, float32 scalar."""
        counts = [table.num_embeddings for table in self.tables]
        looks = torch.cartesian_prod(*(torch.arange(count) for count in counts))
        return self(looks).var(0).mean()
