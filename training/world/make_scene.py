"""One integer makes one scene."""

from __future__ import annotations

import numpy as np

from training.world.actions import Draw
from training.world.casting import cast
from training.world.levels import MAX_LEVEL, Limits, limits_of
from training.world.scene import Background, Camera, Scene

_SIDES_PX = (96, 112, 128, 144)
# More of three than wanted: where there is no room, there will be fewer.
_COUNT_WEIGHTS = (1.0, 1.0, 2.5)
_RATES = (8, 10, 12, 15, 24, 25, 30)


def make_scene(seed: int, *, level: int = MAX_LEVEL, num_frames: int | None = None) -> Scene:
    """Make the scene of a seed: the same seed and level always give the same scene.

    Args:
        seed: Any integer of 0 or more; see `seeds` for which serves what.
        level: Difficulty, 0 (one thing, a plain picture) to levels.MAX_LEVEL.
        num_frames: Frames of the clip; drawn, 24 to 60, when None.

    Raises:
        ValueError: When the level is unknown, or num_frames below 2.
    """
    limits = limits_of(level)
    if num_frames is not None and num_frames < 2:
        raise ValueError(f"num_frames: expected 2 or more, got {num_frames}")
    rng = np.random.default_rng([seed, level])
    height, width = _sides(rng, limits)
    times_s = _times(rng, limits, num_frames)
    camera = _camera(rng) if limits.camera and rng.random() < 0.5 else Camera()
    scale = float(np.sqrt(height * width))
    draw = Draw(rng, limits, (scale / width, scale / height), camera.reach, limits.colors)
    weights = np.array(_COUNT_WEIGHTS[: limits.max_things])
    count = 1 + int(rng.choice(len(weights), p=weights / weights.sum()))
    things = cast(draw, count)
    return Scene(
        seed=seed,
        height=height,
        width=width,
        times_s=times_s,
        background=_background(rng, limits),
        camera=camera,
        grain=float(rng.uniform(0, 6)) if limits.camera else 0.0,
        things=things,
    )


def _sides(rng: np.random.Generator, limits: Limits) -> tuple[int, int]:
    short = int(rng.choice(_SIDES_PX))
    shape = limits.shapes[int(rng.integers(len(limits.shapes)))]
    long = round(short * max(shape, 1 / shape) / 2) * 2
    return (short, long) if shape >= 1 else (long, short)


def _times(rng: np.random.Generator, limits: Limits, num_frames: int | None) -> tuple[float, ...]:
    count = int(rng.integers(24, 61)) if num_frames is None else num_frames
    step = 1.0 / float(rng.choice(_RATES))
    steps = np.full(count - 1, step)
    if limits.uneven_times and rng.random() < 0.25:
        steps *= rng.uniform(0.5, 1.6, count - 1)
    # Whole milliseconds, so that a file can hold them exactly.
    times_ms = np.cumsum(np.maximum(np.rint(steps * 1000), 1))
    return (0.0, *(float(ms) / 1000 for ms in times_ms))


def _camera(rng: np.random.Generator) -> Camera:
    pan = rng.uniform(-0.05, 0.05, 2)
    return Camera(
        pan=(float(pan[0]), float(pan[1])),
        shake=float(rng.uniform(0, 0.012)),
        phase=float(rng.random()),
    )


def _background(rng: np.random.Generator, limits: Limits) -> Background:
    """Two muted, rather dark colours: every thing stands out from them."""
    kind = limits.backgrounds[int(rng.integers(len(limits.backgrounds)))]
    colors = []
    for _ in range(2):
        tone = rng.uniform(25, 105) + rng.uniform(-14, 14, 3)
        red, green, blue = (int(part) for part in np.clip(tone, 0, 130))
        colors.append((red, green, blue))
    return Background(kind, colors[0], colors[1], int(rng.integers(2**31)))
