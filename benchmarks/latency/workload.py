"""The job both sides do on one clip.

Two questions about the video and one about two marked objects are answered in text, then two
objects are masked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import BALL_COLOUR, SQUARE_COLOUR, draw_frames
from ufvideo_sdk import Region

QUESTIONS = ("What happens in the video?", "Which shape moves first, and where does it go?")
REGION_QUESTION = (
    "There are 2 objects: object_1: [<region>], object_2: [<region>]. How does object_2 move?"
)
EXPRESSIONS = ("the yellow ball", "the blue square")


@dataclass(frozen=True)
class Workload:
    """What is run, told to both workers in the same words.

    Attributes:
        checkpoint: Folder in the released format; the PyTorch side reads it.
        vision_tower: SigLIP's folder; None where the checkpoint holds it.
        package: The package exported from it; the SDK side reads it.
        num_new_tokens: Tokens decoded for each question, at most.
        num_mask_frames: Frames on which each object is masked, at most.
        num_threads: Threads of either side.
        providers: Execution providers of the SDK side, in order.
        torch_device: Where PyTorch computes, for example "cuda".
        torch_dtype: What PyTorch computes in.
    """

    checkpoint: Path
    vision_tower: Path | None
    package: Path
    num_new_tokens: int
    num_mask_frames: int
    num_threads: int
    providers: tuple[str, ...] = ("cpu",)
    torch_device: str = "cpu"
    torch_dtype: str = "float32"

    @staticmethod
    def from_told(told: Mapping[str, Any]) -> Workload:
        """The workload that a process is told as JSON: the values of its attributes."""
        values = dict(told)
        for key in ("checkpoint", "vision_tower", "package"):
            values[key] = None if values[key] is None else Path(values[key])
        values["providers"] = tuple(values["providers"])
        return Workload(**values)

    def frames(self, num_frames: int) -> NDArray[np.uint8]:
        """The clip, uint8 [num_frames, 240, 320, 3]."""
        return draw_frames(num_frames)

    def regions(self, frames: NDArray[np.uint8]) -> list[Region]:
        """What `REGION_QUESTION` is about: the ball on six frames, the square on two.

        Six are more than the four tokens an object may have, so that some are merged.

        Args:
            frames: What `frames` gave, uint8 [T, H, W, 3].
        """
        marked = ((BALL_COLOUR, 6), (SQUARE_COLOUR, 2))
        return [
            Region(np.arange(count), (frames[:count] == colour).all(axis=-1))
            for colour, count in ((colour, min(count, len(frames))) for colour, count in marked)
        ]

    def mask_idxs(self, num_frames: int) -> list[int]:
        """Indices of the frames to mask, spread over the clip."""
        count = min(self.num_mask_frames, num_frames)
        return np.linspace(0, num_frames - 1, count).astype(int).tolist()
