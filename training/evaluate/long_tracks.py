"""Rows of objects followed through long clips: named once, and again where they are lost."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from training.evaluate.rows import Row
from training.evaluate.tracking import Way, scores_of
from training.world import TEST_SEEDS, render, render_flat
from training.world.long_scene import make_long_scene
from ufvideo_sdk import UFVideo

# How the guide to tracking advises to follow what gets hidden.
WAY = Way("sam2", reprompt="lost", verify_s=1.0)


@dataclass(frozen=True)
class Length:
    """How long clips are, and what is asked of them.

    Attributes:
        num_frames: Frames of each clip, ten a second.
        num_clips: How many; two objects are followed in each.
        floor: J&F at least, in percent.
    """

    num_frames: int
    num_clips: int
    floor: float


LENGTHS = (Length(300, 20, 80.0), Length(3000, 3, 70.0))


def measure(
    model: UFVideo, lengths: Sequence[Length] = LENGTHS, *, flat: bool = False
) -> tuple[Row, ...]:
    """Follow objects, one row for each length.

    Args:
        model: The model.
        lengths: Of the clips.
        flat: Draw with the second renderer.
    """
    return tuple(_row(model, length, flat=flat) for length in lengths)


def _row(model: UFVideo, length: Length, *, flat: bool) -> Row:
    found: list[float] = []
    for seed in TEST_SEEDS[: length.num_clips]:
        scene = make_long_scene(seed, length.num_frames)
        rendered = (render_flat if flat else render)(scene)
        with model.open(rendered.frames, timestamps_s=scene.times_s) as session:
            scores, _ = scores_of(session, WAY, rendered)
        found += [score.region_and_boundary for score in scores]
        print(f"{len(found)} objects over {length.num_frames} frames", file=sys.stderr)
    label = f"objects followed over {length.num_frames:,} frames, J&F"
    return Row(label, 100 * sum(found) / len(found) if found else None, len(found), length.floor)
