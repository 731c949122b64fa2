"""frames uint8 [F, S, S, 3] -> SAM 2 features and two fine maps, float32."""

from __future__ import annotations

import numpy as np
from torch import nn

from ufvideo_export.stages.frame_encoder import FrameEncoderStage
from ufvideo_export.stages.stage import Arrays
from ufvideo_export.torch_model.model import load_mask_encoder

_LARGE_PX = 512


class MaskEncoderStage(FrameEncoderStage):
    """SAM 2's image encoder and neck."""

    @property
    def side_px(self) -> int:
        """See `FrameEncoderStage`."""
        return self.checkpoint.sam2.image_size_px

    def load(self) -> nn.Module:
        """See `TorchStage`."""
        return load_mask_encoder(self.checkpoint)

    def example(self) -> Arrays:
        """See `TorchStage`; nothing is computed of it."""
        return self.frames(np.random.default_rng(0), 2)

    def probes(self, random: np.random.Generator) -> list[Arrays]:
        """See `Stage`; of a large frame one alone.

        Attention over all patches of 1024 x 1024 pixels takes two gigabytes a frame.
        """
        large = self.side_px > _LARGE_PX
        return [self.frames(random, num_frames) for num_frames in ((1,) if large else (2, 1))]
