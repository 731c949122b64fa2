"""Objects carried along a run by SAM 2's memory, as training needs it.

Each frame is tracked by `track_frame` of `ufvideo_export.torch_model.propagate`. Two things are
added: gradients reach back a limited number of frames, and objects may exchange memories. All
objects of a batch are prompted on the same frames, which may be several.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from transformers import Sam2VideoModel

from ufvideo_export.torch_model.memory_bank import MemoryBank, MemoryRules
from ufvideo_export.torch_model.propagate import Maps, TrackedFrame, track_frame


@dataclass
class _Memory:
    """What later frames remember of a frame; see `TrackedFrame`."""

    memory_features: torch.Tensor
    object_pointers: torch.Tensor

    def cut(self) -> None:
        """Let no gradient go back through it."""
        self.memory_features = self.memory_features.detach()
        self.object_pointers = self.object_pointers.detach()


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
    for number, own_maps in enumerate(maps):
        if reach is not None and number and number % reach == 0:
            for memory in kept:
                memory.cut()
            kept.clear()
        frame = track_frame(sam, own_maps, prompts.get(number), bank)
        found.append(frame)
        memory = _Memory(frame.memory_features, frame.object_pointers)
        if sources is not None:
            own = sources[number]
            memory = _Memory(frame.memory_features[own], frame.object_pointers[own])
        kept.append(memory)
        bank.add(memory, prompted=number in prompts)
    return found


def maps_of_objects(levels: Sequence[torch.Tensor], clips: torch.Tensor) -> list[Maps]:
    """The maps of each frame with a row for each object.

    Args:
        levels: The three maps of `frame_maps`, float32 [F, B, ...] each, of F frames of B clips.
        clips: In which clip each object is, int64 [M].

    Returns:
        For each frame, three maps float32 [M, ...].
    """
    coarse, fine, middle = levels
    return [(coarse[f, clips], fine[f, clips], middle[f, clips]) for f in range(len(coarse))]
