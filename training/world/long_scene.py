"""Long clips: things that wander for minutes, and go behind another one again and again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.world.encounters import HIDDEN_RADIUS, SCREEN_RADIUS, SCREENS
from training.world.make_scene import make_scene
from training.world.scene import Scene, Thing

FPS = 10
# Names that a person would mix up from afar: one kind, colours side by side.
_LOOK_ALIKES = (("red", "orange"), ("orange", "yellow"), ("blue", "purple"), ("green", "cyan"))
_KINDS = ("circle", "square", "triangle", "star")
_SCREEN_COLORS = ("white", "green", "blue", "red")
# Frames of a way across a side of the picture, behind the screen, and of a rest.
_WAY, _BEHIND, _REST = (14, 26), (8, 18), (0, 12)
_NUM_WANDERING = (1, 3)


def make_long_scene(seed: int, num_frames: int) -> Scene:
    """Two small things that look alike, and a large one that both go behind.

    The large thing stays in the middle. Each small one wanders on one side of it, passes behind it,
    hidden for about a second, wanders on the other side, and so on; they pass in front of each
    other on their ways. Speeds and sizes are those of the short clips.

    Args:
        seed: As of `make_scene`, which gives the picture: its size, background and camera.
        num_frames: Frames of the clip, `FPS` a second.

    Raises:
        ValueError: When num_frames is below 2.
    """
    ground = make_scene(seed, num_frames=max(num_frames, 2))
    if num_frames < 2:
        raise ValueError(f"num_frames: expected 2 or more, got {num_frames}")
    rng = np.random.default_rng([seed, num_frames, 17])
    colors = _LOOK_ALIKES[int(rng.integers(len(_LOOK_ALIKES)))]
    kind = _KINDS[int(rng.integers(len(_KINDS)))]
    screen_color = next(color for color in _SCREEN_COLORS if color not in colors)
    axis = 0 if ground.width >= ground.height else 1
    depths = rng.permutation(2).tolist()
    small = [
        _thing(kind, color, "small", _wandering(rng, num_frames, axis, side), rng, depth)
        for color, side, depth in zip(colors, (-1, 1), depths, strict=True)
    ]
    middle = ((0.0, 0.5, 0.5),)
    screen_kind = next(each for each in SCREENS if each != kind)
    screen = _thing(screen_kind, screen_color, "large", middle, rng, 2)
    times_s = tuple(number / FPS for number in range(num_frames))
    return replace(ground, times_s=times_s, things=(small[0], screen, small[1]))


def _thing(
    kind: str,
    color: str,
    size: str,
    path: tuple[tuple[float, float, float], ...],
    rng: np.random.Generator,
    depth: int,
) -> Thing:
    tint = rng.uniform(0.88, 1.0, 3)
    radius = float(rng.uniform(*(HIDDEN_RADIUS if size == "small" else SCREEN_RADIUS)))
    return Thing(
        kind=kind,
        color=color,
        size=size,
        action="stay" if size == "large" else "move",
        path=path,
        radii=((0.0, radius),),
        depth=depth,
        tint=(float(tint[0]), float(tint[1]), float(tint[2])),
    )


def _wandering(
    rng: np.random.Generator, num_frames: int, axis: int, side: int
) -> tuple[tuple[float, float, float], ...]:
    """Waypoints: some on one side, then behind the middle, then some on the other side."""
    points = [(0, *_place(rng, axis, side))]
    while points[-1][0] < num_frames:
        for _ in range(int(rng.integers(*_NUM_WANDERING, endpoint=True))):
            points.append(_next(points[-1], rng, _WAY, _place(rng, axis, side)))
            points.append(_next(points[-1], rng, _REST, points[-1][1:]))
        points.append(_next(points[-1], rng, _WAY, (0.5, 0.5)))
        points.append(_next(points[-1], rng, _BEHIND, (0.5, 0.5)))
        side = -side
        points.append(_next(points[-1], rng, _WAY, _place(rng, axis, side)))
    return tuple((frame / (num_frames - 1), x, y) for frame, x, y in points)


def _next(
    before: tuple[int, float, float],
    rng: np.random.Generator,
    frames: tuple[int, int],
    place: tuple[float, float],
) -> tuple[int, float, float]:
    return (before[0] + max(int(rng.integers(*frames, endpoint=True)), 1), *place)


def _place(rng: np.random.Generator, axis: int, side: int) -> tuple[float, float]:
    """A place on one side of the middle, clear of the thing there and within the frame."""
    along = 0.5 + side * float(rng.uniform(0.3, 0.34))
    across = float(rng.uniform(0.25, 0.75))
    return (along, across) if axis == 0 else (across, along)
