"""SAM 2 features of a frame and O objects' memories -> features conditioned on them, float32."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ufvideo_export.stages.stage import Arrays, TorchStage, normal
from ufvideo_export.torch_model.model import load_memory_attention
from ufvideo_export.torch_model.propagate import recall

# Of 1024 x 1024 pixels, a memory takes 70 MB of attention scores in each layer.
_LARGE_PX = 512


class MemoryAttentionStage(TorchStage):
    """SAM 2's memory attention."""

    def load(self) -> nn.Module:
        """See `TorchStage`."""
        return load_memory_attention(self.checkpoint)

    def example(self) -> Arrays:
        """See `TorchStage`; nothing is computed of it."""
        return self._remembered(np.random.default_rng(0), 2, 3, 4)

    def probes(self, random: np.random.Generator) -> list[Arrays]:
        """See `Stage`; of a large frame few memories."""
        large = self.checkpoint.sam2.image_size_px > _LARGE_PX
        # Objects, memories and pointers. All ages occur in the first.
        rows = self._num_rows
        sizes = [(1, 2, 3), (2, 1, 1)] if large else [(2, rows, 16), (1, 1, 1), (3, rows + 2, 5)]
        return [self._remembered(random, *each) for each in sizes]

    def reference(self, inputs: Arrays) -> Arrays:
        """Run SAM 2's own modules, which rotate in pairs, as tracking in PyTorch does."""
        features, memories, ages, pointers = self._tensors(inputs)
        sam = self.module.sam
        with torch.inference_mode():
            coarse = features - sam.no_memory_embedding.reshape(1, -1, 1, 1)
            coarse = coarse.expand(memories.shape[0], -1, -1, -1)
            found = recall(sam, coarse, memories, ages, pointers)
        return {"conditioned_features": found.numpy()}

    @property
    def _num_rows(self) -> int:
        """Rows of the temporal encoding."""
        return self.checkpoint.sam2_shape("memory_temporal_positional_encoding")[0]

    def _remembered(
        self, random: np.random.Generator, num_objects: int, num_memories: int, num_pointers: int
    ) -> Arrays:
        features, memories, ages, pointers = self.spec.inputs
        own_ages = [random.permutation(num_memories) % self._num_rows for _ in range(num_objects)]
        map_shape = tuple(map(int, memories.shape[2:]))
        return {
            features.name: normal(random, *map(int, features.shape)),
            memories.name: normal(random, num_objects, num_memories, *map_shape),
            ages.name: np.stack(own_ages).astype(np.int64),
            pointers.name: normal(random, num_objects, num_pointers, int(pointers.shape[2])),
        }
