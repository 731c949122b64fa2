"""Last stage of the masks: SAM 2's memory alone learns to carry things through long runs.

Everything that a single frame is segmented by stands still, so that what was learnt of it, and its
graphs, stay what they are. Gradients go through a few frames in a row; the memories themselves go
on through the whole run, with the mistakes that were made on the way.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from transformers import Sam2VideoModel

from training.train.carry import carry, maps_of_objects
from training.train.looks import LooksPrompt
from training.train.mask_losses import tracked_losses
from training.train.memory_batches import MemoryBatch
from training.train.nano import Nano
from training.train.sizes import SAM2_WIDTHS
from ufvideo_export.torch_model.mask_model import MaskEncoder, frame_maps
from ufvideo_export.torch_model.propagate import Maps, memory_rules

# Frames that gradients go back through.
_REACH = 8
# More than for single frames: whether a thing is there decides whether it is found again.
_SCORE_WEIGHT = 0.5
# The prompted frames that the runtime keeps as such.
MAX_PROMPTED = 4


def memory_parameters(sam: Sam2VideoModel) -> Iterator[nn.Parameter]:
    """What tracking alone uses: no mask of a single frame depends on it."""
    for module in (sam.memory_attention, sam.memory_encoder, sam.object_pointer_proj):
        yield from module.parameters()
    yield sam.memory_temporal_positional_encoding
    yield sam.no_object_pointer


class MemoryTraining(nn.Module):
    """SAM 2 whose memory learns, with the prompts that stand in for the language model."""

    def __init__(self, nano: Nano) -> None:
        super().__init__()
        self.sam = nano.sam
        self.looks_prompt = LooksPrompt(SAM2_WIDTHS.hidden_size)
        self.requires_grad_(False)
        for parameter in memory_parameters(nano.sam):
            parameter.requires_grad_(True)
        # Every batch is new: dropout would only blur what is remembered.
        self.eval()
        # In a list it is no child: it shares this SAM 2, whose weights are to be saved once.
        self._encoder = [MaskEncoder(nano.sam)]

    @property
    def encoder(self) -> MaskEncoder:
        """SAM 2's frame side."""
        return self._encoder[0]

    def forward(self, batch: MemoryBatch) -> tuple[torch.Tensor, dict[str, float]]:
        """Loss and figures of a batch."""
        found = carry(
            self.sam,
            self._maps(batch),
            self._prompts(batch),
            memory_rules(self.sam, used_memories=batch.used_memories, max_prompted=MAX_PROMPTED),
            sources=batch.sources,
            reach=_REACH,
        )
        carried = [number for number in range(len(found)) if number not in batch.named]
        losses = tracked_losses(
            [found[number] for number in carried],
            batch.truth[carried].flatten(0, 1),
            score_weight=_SCORE_WEIGHT,
        )
        present, right = losses.present, losses.shown == losses.present
        return losses.total, {
            "iou": _mean(losses.iou[present]),
            "present": _mean(right[present]),
            "absent": _mean(right[~present]),
        }

    def _maps(self, batch: MemoryBatch) -> list[Maps]:
        shape = batch.frames.shape[:2]
        with torch.no_grad():
            maps = frame_maps(self.sam, self.encoder.normalise(batch.frames.flatten(0, 1)))
        return maps_of_objects([each.unflatten(0, shape) for each in maps], batch.clips)

    def _prompts(self, batch: MemoryBatch) -> dict[int, torch.Tensor]:
        with torch.no_grad():
            exact = self.looks_prompt(batch.looks)
            noise = self.looks_prompt.spread().sqrt() * batch.noise
        return {frame: exact + own for frame, own in zip(batch.named, noise, strict=True)}


def _mean(values: torch.Tensor) -> float:
    """The mean; NaN, which the log leaves out, if there is no value."""
    return float(values.float().mean())
