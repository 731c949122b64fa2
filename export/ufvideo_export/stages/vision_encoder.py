"""frames uint8 [T, S, S, 3] -> features float32 [T, P, Dv]."""

from __future__ import annotations

import numpy as np
from torch import nn

from ufvideo_export.stages.stage import Arrays, TorchStage
from ufvideo_export.torch_model.model import load_vision_encoder


class VisionEncoderStage(TorchStage):
    """SigLIP up to the selected layer."""

    def load(self) -> nn.Module:
        """See `TorchStage`."""
        return load_vision_encoder(self.checkpoint)

    def probes(self, random: np.random.Generator) -> list[Arrays]:
        """See `Stage`."""
        side = self.checkpoint.siglip.image_size_px
        shapes = ((num_frames, side, side, 3) for num_frames in (2, 1, 3))
        return [{"frames": random.integers(0, 256, shape, np.uint8)} for shape in shapes]
