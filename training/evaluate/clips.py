"""Clips of test seeds as H.264 files, each with its truth and its questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.tasks import Task, TaskKind, draw_tasks
from training.world import Rendered, Scene, Truth, make_scene, render, render_flat, write_clip
from training.world.levels import MAX_LEVEL

NUM_QUESTIONS = 8
# So that each row of the table has a hundred samples or more at 500 clips.
WEIGHTS: dict[TaskKind, float] = {
    TaskKind.QUESTION: 1.6,
    TaskKind.CAPTION: 0.6,
    TaskKind.CHOICE: 1.4,
    TaskKind.COUNT: 0.5,
    TaskKind.SPAN: 1.6,
    TaskKind.MOMENT: 0.8,
    TaskKind.REGION_DESCRIPTION: 0.5,
    TaskKind.REGION_QUESTION: 1.4,
    TaskKind.REFERRING: 1.2,
    TaskKind.REASONING: 1.2,
    TaskKind.PIXRQA: 1.0,
    TaskKind.PIXHQA: 1.0,
    TaskKind.PIXTRQA: 1.4,
    TaskKind.IMAGE_QUESTION: 0.5,
    TaskKind.IMAGE_SEGMENTATION: 0.5,
}
_NUM_SCORED_FRAMES = 5


@dataclass(frozen=True, eq=False)
class DrawnClip:
    """A clip to ask about.

    Attributes:
        path: The H.264 file.
        rendered: Every frame as it was drawn, with the truth of every pixel.
        truth: What happens in it.
        tasks: What is asked.
    """

    path: Path
    rendered: Rendered
    truth: Truth
    tasks: tuple[Task, ...]

    @property
    def fractions(self) -> NDArray[np.float64]:
        """When each frame is shown, fractions of the clip, float64 [F]."""
        return self.truth.scene.fractions()

    def scored_idxs(self, task: Task) -> tuple[int, ...]:
        """Frames whose masks are scored: the image itself, or some spread over the clip."""
        if task.image_frame is not None:
            return (task.image_frame,)
        middles = (np.arange(_NUM_SCORED_FRAMES) + 0.5) / _NUM_SCORED_FRAMES
        return tuple(int(i) for i in middles * self.truth.scene.num_frames)

    def truth_masks(self, task: Task) -> NDArray[np.bool_] | None:
        """Right masks of a task's targets on the scored frames, bool [S, F, H, W]."""
        if not task.targets:
            return None
        return self.rendered.masks[list(task.targets)][:, list(self.scored_idxs(task))]


def drawn_clips(
    seeds: Sequence[int],
    folder: Path,
    *,
    flat: bool = False,
    num_questions: int = NUM_QUESTIONS,
    level: int = MAX_LEVEL,
) -> Iterator[DrawnClip]:
    """Draw clips one by one; the file of each is removed when the next is asked for.

    Args:
        seeds: Of the scenes and their questions.
        folder: Where the files are written.
        flat: Draw with the second renderer, whose palettes and noise are others.
        num_questions: Questions of a clip.
        level: Difficulty of the scenes.
    """
    for seed in seeds:
        clip = drawn(make_scene(seed, level=level), folder, flat=flat)
        tasks = draw_tasks(clip.truth, num_questions, seed=seed, weights=WEIGHTS)
        yield replace(clip, tasks=tasks)
        clip.path.unlink()


def drawn(scene: Scene, folder: Path, *, flat: bool = False) -> DrawnClip:
    """Draw a scene into a file; nothing is asked about it yet.

    Args:
        scene: The scene.
        folder: Where the file is written.
        flat: As of `drawn_clips`.
    """
    rendered = (render_flat if flat else render)(scene)
    path = folder / f"{scene.seed}.mp4"
    write_clip(path, rendered)
    return DrawnClip(path, rendered, Truth(scene), ())
