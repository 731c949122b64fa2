"""The curriculum: what may appear in a scene at each level of difficulty."""

from __future__ import annotations

from dataclasses import dataclass

from training.world.scene import ACTIONS, BACKGROUNDS, COLORS, DIRECTIONS, KINDS, STRAIGHT


@dataclass(frozen=True)
class Limits:
    """What a scene may hold.

    Attributes:
        max_things: Objects of a scene, 1 to this.
        kinds: Kinds of objects.
        colors: Colours of objects.
        actions: What objects do.
        directions: Where a plain movement may go.
        backgrounds: Kinds of background.
        shapes: Aspect ratios (width over height).
        camera: Whether the picture may shift.
        uneven_times: Whether the frame rate may vary.
        crowding: How close two things may come, as a part of their radii's sum.
    """

    max_things: int
    kinds: tuple[str, ...]
    colors: tuple[str, ...]
    actions: tuple[str, ...]
    directions: tuple[str, ...]
    backgrounds: tuple[str, ...]
    shapes: tuple[float, ...]
    camera: bool
    uneven_times: bool
    crowding: float


LEVELS: tuple[Limits, ...] = (
    Limits(
        max_things=1,
        kinds=KINDS[:3],
        colors=COLORS[:4],
        actions=ACTIONS[:2],
        directions=STRAIGHT,
        backgrounds=BACKGROUNDS[:1],
        shapes=(1.0,),
        camera=False,
        uneven_times=False,
        crowding=1.2,
    ),
    Limits(
        max_things=2,
        kinds=KINDS[:4],
        colors=COLORS[:6],
        actions=("stay", "move", "enter", "leave", "grow", "shrink", "recolor"),
        directions=STRAIGHT,
        backgrounds=BACKGROUNDS[:2],
        shapes=(1.0, 4 / 3),
        camera=False,
        uneven_times=False,
        crowding=1.2,
    ),
    Limits(
        max_things=3,
        kinds=KINDS,
        colors=COLORS,
        actions=ACTIONS[:8],
        directions=tuple(DIRECTIONS),
        backgrounds=BACKGROUNDS[:3],
        shapes=(1.0, 4 / 3, 3 / 4),
        camera=False,
        uneven_times=False,
        crowding=1.05,
    ),
    Limits(
        max_things=3,
        kinds=KINDS,
        colors=COLORS,
        actions=ACTIONS,
        directions=tuple(DIRECTIONS),
        backgrounds=BACKGROUNDS,
        shapes=(1.0, 4 / 3, 3 / 4, 16 / 9),
        camera=True,
        uneven_times=True,
        crowding=0.95,
    ),
)
MAX_LEVEL = len(LEVELS) - 1


def limits_of(level: int) -> Limits:
    """The limits of a level.

    Raises:
        ValueError: When level is not 0 to MAX_LEVEL.
    """
    if not 0 <= level <= MAX_LEVEL:
        raise ValueError(f"level: expected 0 to {MAX_LEVEL}, got {level!r}")
    return LEVELS[level]
