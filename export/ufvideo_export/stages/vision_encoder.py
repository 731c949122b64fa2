"""frames uint8 [T, S, S, 3] -> features float32 [T, P, Dv]."""

from __future__ import annotations

import numpy as np
from torch import nn

from ufvideo_export.stages.frame_encoder import FrameEncoderStage
from ufvideo_export.stages.stage import Arrays
from ufvideo_export.torch_model.model import load_vision_encoder


class VisionEncoderStage(FrameEncoderStage):
    """SigLIP up to the selected layer."""

    @property
    def side_px(self) -> int:
        """See `FrameEncoderStage`."""
        return self.checkpoint.siglip.image_size_px

    def load(self) -> nn.Module:
        """See `TorchStage`."""
        return load_vision_encoder(self.checkpoint)

    def probes(self, random: np.random.Generator) -> list[Arrays]:
        """See `Stage`."""
        return [self.frames(random, num_frames) for num_frames in (2, 1, 3)]
