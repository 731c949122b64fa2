"""frames uint8 [F, S, S, 3] -> SAM 2 features and two fine maps, float32."""

from __future__ import annotations

import numpy as np
from torch import nn

from ufvideo_export.model import load_mask_encoder
from ufvideo_export.stages.stage import Arrays, TorchStage


class MaskEncoderStage(TorchStage):
    """SAM 2's image encoder and neck."""

    def load(self) -> nn.Module:
        """See `TorchStage`."""
        return load_mask_encoder(self.checkpoint)

    def probes(self, random: np.random.Generator) -> list[Arrays]:
        """See `Stage`."""
        side = self.checkpoint.sam2.image_size_px
        shapes = ((num_frames, side, side, 3) for num_frames in (2, 1))
        return [{"frames": random.integers(0, 256, shape, np.uint8)} for shape in shapes]
