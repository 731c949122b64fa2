"""features float32 [T, P, Dv] -> video_tokens float32 [N, D]."""

from __future__ import annotations

import numpy as np
from torch import nn

from ufvideo_export.stages.stage import Arrays, TorchStage, normal
from ufvideo_export.torch_model.model import load_aligner


class AlignerStage(TorchStage):
    """The STC connector."""

    # Its sampler joins two frames.
    min_sizes = {"T": 2}  # noqa: RUF012

    def load(self) -> nn.Module:
        """See `TorchStage`."""
        return load_aligner(self.checkpoint)

    def probes(self, random: np.random.Generator) -> list[Arrays]:
        """See `Stage`."""
        siglip = self.checkpoint.siglip
        shape = (siglip.patch_grid**2, siglip.hidden_size)
        return [{"features": normal(random, num_frames, *shape)} for num_frames in (4, 2, 5)]
