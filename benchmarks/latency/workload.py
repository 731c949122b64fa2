"""The job both sides do: one clip, two questions answered in text, two objects masked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import draw_frames

QUESTIONS = ("What happens in the video?", "Which shape moves first, and where does it go?")
EXPRESSIONS = ("the yellow ball", "the blue square")
SYSTEM = "You are a helpful assistant."


@dataclass(frozen=True)
class Workload:
    """What is run, told to both workers in the same words.

    Attributes:
        checkpoint: Folder in the released format; the PyTorch side reads it.
        package: The package exported from it; the SDK side reads it.
        num_frames: Frames of the clip, the model's own number.
        num_new_tokens: Tokens decoded for each question, whatever they are.
        num_mask_frames: Frames on which each object is masked.
        num_threads: Threads of either side.
    """

    checkpoint: Path
    package: Path
    num_frames: int
    num_new_tokens: int
    num_mask_frames: int
    num_threads: int

    def frames(self) -> NDArray[np.uint8]:
        """The clip, uint8 [num_frames, 240, 320, 3]."""
        return draw_frames(self.num_frames)

    def mask_idxs(self) -> list[int]:
        """Indices of the frames to mask, spread over the clip."""
        return np.linspace(0, self.num_frames - 1, self.num_mask_frames).astype(int).tolist()


def segment_question(expression: str) -> str:
    """The prompt of referring segmentation; its answer is teacher forced."""
    return f"Please segment the {expression.lower()} in this image."


def forced_answer() -> str:
    """The answer that carries [SEG] in the released evaluation."""
    return "Sure, [SEG]."
