"""[SEG] states and one frame's features -> masks, scores, object pointers, float32."""

from __future__ import annotations

import numpy as np
from torch import nn

from ufvideo_export.stages.stage import Arrays, TorchStage, normal
from ufvideo_export.torch_model.model import load_mask_decoder


class MaskDecoderStage(TorchStage):
    """The [SEG] projection and SAM 2's mask decoder."""

    def load(self) -> nn.Module:
        """See `TorchStage`."""
        return load_mask_decoder(self.checkpoint)

    def probes(self, random: np.random.Generator) -> list[Arrays]:
        """See `Stage`."""
        maps = [tensor for tensor in self.spec.inputs if tensor.name != "hidden_states"]
        width = self.checkpoint.sizes.hidden_size
        return [
            {
                "hidden_states": normal(random, num_objects, width),
                **{tensor.name: normal(random, *map(int, tensor.shape)) for tensor in maps},
            }
            for num_objects in (2, 1, 5)
        ]

    def comparable(self, expected: Arrays, actual: Arrays) -> tuple[Arrays, Arrays]:
        """Leave out the mask of an object whose two best candidates are closer than the tolerance.

        Either candidate is right then; the scores themselves are still compared.
        """
        scores = np.sort(expected["iou_scores"], axis=-1)
        tied = scores[:, -1] - scores[:, -2] <= self.tolerance.max_rel
        other = expected["iou_scores"].argmax(-1) != actual["iou_scores"].argmax(-1)
        keep = ~(tied & other)
        chosen = ("mask_logits", "object_pointers")

        def kept(arrays: Arrays) -> Arrays:
            return {
                name: value[keep] if name in chosen else value for name, value in arrays.items()
            }

        return kept(expected), kept(actual)
