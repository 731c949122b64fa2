"""Features conditioned on O objects' memories -> all candidates of their masks, float32."""

from __future__ import annotations

import numpy as np
from torch import nn

from ufvideo_export.stages.stage import Arrays, TorchStage, normal
from ufvideo_export.torch_model.model import load_track_decoder


class TrackDecoderStage(TorchStage):
    """SAM 2's mask decoder without a prompt."""

    def load(self) -> nn.Module:
        """See `TorchStage`."""
        return load_track_decoder(self.checkpoint)

    def probes(self, random: np.random.Generator) -> list[Arrays]:
        """See `Stage`."""
        return [
            {
                tensor.name: normal(
                    random,
                    *(num_objects if size == "O" else int(size) for size in tensor.shape),
                )
                for tensor in self.spec.inputs
            }
            for num_objects in (2, 1, 5)
        ]
