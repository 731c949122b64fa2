"""pooled_features float32 [R, Dv] -> region_tokens float32 [R, D]."""

from __future__ import annotations

import numpy as np
from torch import nn

from ufvideo_export.stages.stage import Arrays, TorchStage, normal
from ufvideo_export.torch_model.model import load_region_encoder


class RegionEncoderStage(TorchStage):
    """The MLP behind mask pooling and token merge."""

    def load(self) -> nn.Module:
        """See `TorchStage`."""
        return load_region_encoder(self.checkpoint)

    def probes(self, random: np.random.Generator) -> list[Arrays]:
        """See `Stage`."""
        width = self.checkpoint.siglip.hidden_size
        return [{"pooled_features": normal(random, num, width)} for num in (3, 1, 4)]
