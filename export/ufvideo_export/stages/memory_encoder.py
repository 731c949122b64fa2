"""SAM 2 features and O masks -> what later frames remember of them, float32."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ufvideo_export.stages.stage import Arrays, TorchStage, normal
from ufvideo_export.torch_model.model import load_memory_encoder
from ufvideo_export.torch_model.propagate import memorise

# Logits of a mask go to some tens either way.
_LOGITS = 8.0


class MemoryEncoderStage(TorchStage):
    """SAM 2's memory encoder."""

    def load(self) -> nn.Module:
        """See `TorchStage`."""
        return load_memory_encoder(self.checkpoint)

    def probes(self, random: np.random.Generator) -> list[Arrays]:
        """See `Stage`."""
        features, masks = self.spec.inputs
        sides = tuple(map(int, masks.shape[1:]))
        return [
            {
                features.name: normal(random, *map(int, features.shape)),
                masks.name: _LOGITS * normal(random, num_objects, *sides),
            }
            for num_objects in (2, 1, 3)
        ]

    def reference(self, inputs: Arrays) -> Arrays:
        """Run SAM 2's own modules, as tracking in PyTorch does."""
        features, masks = self._tensors(inputs)
        sam = self.module.sam
        with torch.inference_mode():
            coarse = features - sam.no_memory_embedding.reshape(1, -1, 1, 1)
            found = memorise(sam, coarse.expand(masks.shape[0], -1, -1, -1), masks)
        return {"memory_features": found.numpy()}
