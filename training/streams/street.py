"""A street of shapes: things come in, stop, go on, go behind a post and leave, for minutes.

Each lane of the street has one thing at a time, so that with the post there are three at most, as
in the short clips. The upper lane passes above the post, the lower one behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.streams.visit import Visit
from training.world.encounters import HIDDEN_RADIUS, SCREEN_RADIUS
from training.world.scene import COLORS, KINDS, Background, Camera, Scene, Thing

FPS = 25
HEIGHT_PX, WIDTH_PX = 144, 256
# Who is asked about, by lane, and the part of all visits that is theirs; the others' are things
# that share a colour or a kind with them.
CAST = (("red circle", "yellow star"), ("green triangle", "blue cross"))
_CAST_SHARE = 0.8
POST = "white square"
_LANE_Y = (0.22, 0.72)
_POST_X = 0.5
# Where a thing stands beside the post, left and right of it.
_BESIDE = ((0.14, 0.24), (0.76, 0.86))
# A place beyond each edge.
_OUTSIDE = (-0.14, 1.14)
# Fractions of the width in a second.
_SPEED = (0.3, 0.45)
_STOP_S, _HIDE_S, _GAP_S = (2.0, 4.5), (4.0, 7.0), (4.0, 7.0)
_NUM_STOPS = (2, 3)
_GOES_BEHIND = 0.7
_TURNS_BACK = 0.4


@dataclass(frozen=True)
class Street:
    """A street and everything that happens in it.

    Attributes:
        scene: The first thing is the post, the others are the visits' in their order.
        visits: In the order in which they set out.
    """

    scene: Scene
    visits: tuple[Visit, ...]


def make_street(seed: int, duration_s: float) -> Street:
    """Make the street of a seed.

    Args:
        seed: Any integer of 0 or more.
        duration_s: Of the stream, 30 seconds or more.

    Raises:
        ValueError: When the duration is shorter.
    """
    if duration_s < 30:
        raise ValueError(f"duration_s: expected 30 or more, got {duration_s}")
    rng = np.random.default_rng([seed, 23])
    times_s = tuple(number / FPS for number in range(round(duration_s * FPS) + 1))
    lanes = [_visits_of(rng, lane, times_s[-1]) for lane in range(len(CAST))]
    visits = sorted((visit for lane in lanes for visit in lane), key=lambda visit: visit.start_s)
    walkers = (_walker(rng, visit, times_s[-1], depth) for depth, visit in enumerate(visits))
    scene = Scene(
        seed=seed,
        height=HEIGHT_PX,
        width=WIDTH_PX,
        times_s=times_s,
        background=_background(rng),
        camera=Camera(),
        grain=float(rng.uniform(1, 4)),
        things=(_post(rng, len(visits)), *walkers),
    )
    return Street(scene, tuple(visits))


def _visits_of(rng: np.random.Generator, lane: int, duration_s: float) -> list[Visit]:
    """Visits of one lane, one after the other."""
    visits: list[Visit] = []
    free_from_s = float(rng.uniform(2, 6))
    while True:
        way = (_upper_way if lane == 0 else _lower_way)(rng, free_from_s)
        visit = Visit(_name(rng, lane), lane, tuple(way.points))
        if visit.end_s > duration_s - 1:
            return visits
        visits.append(visit)
        free_from_s = visit.end_s + float(rng.uniform(*_GAP_S))


def _name(rng: np.random.Generator, lane: int) -> str:
    """One of the lane's cast, or a name like it that nobody is asked about."""
    cast = CAST[lane]
    if rng.random() < _CAST_SHARE:
        return cast[int(rng.integers(len(cast)))]
    asked = {POST, *(name for names in CAST for name in names)}
    words = {word for name in cast for word in name.split()}
    names = [f"{color} {kind}" for color in COLORS for kind in KINDS if {color, kind} & words]
    others = [name for name in names if name not in asked]
    return others[int(rng.integers(len(others)))]


class _Way:
    """A way that grows point by point."""

    def __init__(self, rng: np.random.Generator, start_s: float) -> None:
        self._rng = rng
        self.first = int(rng.integers(2))
        self.points = [(start_s, _OUTSIDE[self.first])]

    def go(self, x: float) -> None:
        """Go to a place."""
        time_s, before = self.points[-1]
        seconds = abs(x - before) / float(self._rng.uniform(*_SPEED))
        self.points.append((time_s + seconds, x))

    def stay(self, seconds: tuple[float, float]) -> None:
        """Stay there for a while."""
        time_s, x = self.points[-1]
        self.points.append((time_s + float(self._rng.uniform(*seconds)), x))


def _upper_way(rng: np.random.Generator, start_s: float) -> _Way:
    """Two stops or three, on either side in turn, and out over either edge."""
    way = _Way(rng, start_s)
    side = int(rng.integers(2))
    for _ in range(int(rng.integers(*_NUM_STOPS, endpoint=True))):
        way.go(float(rng.uniform(*_BESIDE[side])))
        way.stay(_STOP_S)
        side = 1 - side
    way.go(_OUTSIDE[int(rng.integers(2))])
    return way


def _lower_way(rng: np.random.Generator, start_s: float) -> _Way:
    """A stop beside the post, mostly one behind it and another one beside it, and out there."""
    way = _Way(rng, start_s)
    side = way.first
    way.go(float(rng.uniform(*_BESIDE[side])))
    way.stay(_STOP_S)
    if rng.random() < _GOES_BEHIND:
        way.go(_POST_X)
        way.stay(_HIDE_S)
        side = side if rng.random() < _TURNS_BACK else 1 - side
        way.go(float(rng.uniform(*_BESIDE[side])))
        way.stay(_STOP_S)
    way.go(_OUTSIDE[side])
    return way


def _walker(rng: np.random.Generator, visit: Visit, duration_s: float, depth: int) -> Thing:
    color, kind = visit.name.split()
    y = _LANE_Y[visit.lane]
    return Thing(
        kind=kind,
        color=color,
        size="small",
        action="move",
        path=tuple((time_s / duration_s, x, y) for time_s, x in visit.points),
        radii=((0.0, float(rng.uniform(*HIDDEN_RADIUS))),),
        depth=depth,
        tint=_tint(rng),
    )


def _post(rng: np.random.Generator, depth: int) -> Thing:
    color, kind = POST.split()
    return Thing(
        kind=kind,
        color=color,
        size="large",
        action="stay",
        path=((0.0, _POST_X, _LANE_Y[1]),),
        radii=((0.0, sum(SCREEN_RADIUS) / 2),),
        depth=depth,
        tint=_tint(rng),
    )


def _tint(rng: np.random.Generator) -> tuple[float, float, float]:
    red, green, blue = map(float, rng.uniform(0.88, 1.0, 3))
    return red, green, blue


def _background(rng: np.random.Generator) -> Background:
    """Two muted, rather dark colours, as behind the short clips."""
    colors = []
    for _ in range(2):
        tone = rng.uniform(25, 105) + rng.uniform(-14, 14, 3)
        red, green, blue = (int(part) for part in np.clip(tone, 0, 130))
        colors.append((red, green, blue))
    return Background("textured", colors[0], colors[1], int(rng.integers(2**31)))
