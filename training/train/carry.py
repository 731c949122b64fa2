"""Objects carried along a run by SAM 2's memory, as training needs it.

This is `ufvideo_export.torch_model.propagate` with three things added: gradients reach back so many
frames only, memories may be exchanged between objects, and all objects of a batch are prompted on
the same frames, which may be several.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from transformers import Sam2VideoModel

from ufvideo_export.torch_model.mask_model import decode_best
from ufvideo_export.torch_model.memory_bank import MemoryBank, MemoryRules
from ufvideo_export.torch_model.propagate import Maps, TrackedFrame, memorise, recall


@dataclass
class _Memory:
    """What later frames remember of a frame."""

    features: torch.Tensor
    pointers: torch.Tensor

    def cut(self) -> None:
        """Let no gradient go back through it."""
        self.features, self.pointers = self.features.detach(), self.pointers.detach()


def carry(
    sam: Sam2VideoModel,
    maps: Sequence[Maps],
    prompts: Mapping[int, torch.Tensor],
    rules: MemoryRules,
    *,
    sources: torch.Tensor | None = None,
    reach: int | None = None,
) -> list[TrackedFrame]:
    """Carry M objects through F frames.

    Args:
        sam: SAM 2, memory path included.
        maps: Of every frame as `frame_maps` makes them, float32 [M, ...] each.
        prompts: By number of the frame, projected prompts, float32 [M, C]; the first one is 0.
        rules: Which frames are remembered.
        sources: Whose memory each object gets of each frame, int64 [F, M]; None: its own.
        reach: Gradients go through the memories of at most so many frames in a row, and are cut
            behind them; None: through all.

    Returns:
        What is found on each frame.
    """
    bank: MemoryBank[_Memory] = MemoryBank(rules)
    kept: list[_Memory] = []
    found: list[TrackedFrame] = []
    for number, (coarse, fine, middle) in enumerate(maps):
        if reach is not None and number and number % reach == 0:
            for memory in kept:
                memory.cut()
            kept.clear()
        prompt = prompts.get(number)
        if prompt is None:
            recalled = recall(sam, coarse, *_remembered(bank))
            decoded = decode_best(sam, None, (recalled, fine, middle))
        else:
            alone = coarse + sam.no_memory_embedding.reshape(1, -1, 1, 1)
            decoded = decode_best(sam, prompt.unsqueeze(1), (alone, fine, middle))
        masks, iou, scores, pointers = (each.squeeze(1) for each in decoded)
        features = memorise(sam, coarse, masks)
        found.append(TrackedFrame(masks, iou, scores, pointers, features))
        memory = _Memory(features, pointers)
        if sources is not None:
            memory = _Memory(features[sources[number]], pointers[sources[number]])
        kept.append(memory)
        bank.add(memory, prompted=prompt is not None)
    return found


def _remembered(bank: MemoryBank[_Memory]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What `recall` takes: features, ages and pointers."""
    memories = bank.memories()
    features = torch.stack([memory.features for memory, _ in memories], 1)
    ages = torch.tensor([age for _, age in memories]).expand(features.shape[0], -1)
    return features, ages, torch.stack([memory.pointers for memory in bank.pointers()], 1)
