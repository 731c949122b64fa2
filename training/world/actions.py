"""Paths and events of what a thing may do by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.world.levels import Limits
from training.world.scene import DIRECTIONS, OPPOSITE, STRAIGHT, Event

SMALL = (0.13, 0.155)
LARGE = (0.205, 0.235)
# Outlines reach a little beyond the radius.
_MARGIN = 1.12
_EDGE = 0.01
Point = tuple[float, float]


@dataclass(frozen=True)
class Course:
    """Where a thing goes, how large it is, and what that means."""

    path: tuple[tuple[float, float, float], ...]
    radii: tuple[tuple[float, float], ...]
    events: tuple[Event, ...] = ()


@dataclass(frozen=True)
class Draw:
    """What a course is drawn with.

    Attributes:
        rng: The scene's source of chance.
        limits: What the scene may hold.
        stretch: Fractions of the width and of the height that a length of 1 takes.
        camera_reach: How far the picture may shift, fraction of a side.
        colors: Colours that a thing may change to.
    """

    rng: np.random.Generator
    limits: Limits
    stretch: Point
    camera_reach: float
    colors: tuple[str, ...]

    def between(self, low: float, high: float) -> float:
        """A number from low to high; low where rounding left nothing between."""
        return float(self.rng.uniform(low, max(low, high)))

    def pick(self, choices: tuple[str, ...]) -> str:
        """One of the choices."""
        return choices[int(self.rng.integers(len(choices)))]

    def room(self, radius: float) -> tuple[Point, Point]:
        """Lowest and highest centre, on x and on y, of a thing that stays within the frame."""
        low, high = [], []
        for axis in (0, 1):
            edge = min(_MARGIN * radius * self.stretch[axis] + self.camera_reach, 0.5)
            low.append(edge)
            high.append(1 - edge)
        return (low[0], high[0]), (low[1], high[1])

    def place(self, radius: float) -> Point:
        """A place within the frame."""
        across, down = self.room(radius)
        return self.between(*across), self.between(*down)

    def leg(self, radius: float, direction: str, shortest: float, longest: float) -> list[float]:
        """Start x, y and end x, y of a way within the frame; shorter where there is less room."""
        ends: list[float] = []
        for step, (low, high) in zip(DIRECTIONS[direction], self.room(radius), strict=True):
            way = step * min(self.between(shortest, longest), high - low)
            start = self.between(low - min(way, 0), high - max(way, 0))
            ends += [start, start + way]
        return [ends[0], ends[2], ends[1], ends[3]]

    def span(self, shortest: float = 0.3, longest: float = 0.5) -> tuple[float, float]:
        """When something lasting happens, well within the clip."""
        length = self.between(shortest, longest)
        start = self.between(0.08, 0.88 - length)
        return start, start + length

    def size(self, name: str) -> float:
        """A radius of a named size."""
        return self.between(*(SMALL if name == "small" else LARGE))


def still(place: Point) -> tuple[tuple[float, float, float], ...]:
    """The path of a thing that stays."""
    return ((0.0, *place),)


def stay(draw: Draw, radius: float) -> Course:
    """Stay where it is."""
    return Course(still(draw.place(radius)), ((0.0, radius),))


def move(draw: Draw, radius: float) -> Course:
    """Wait, go straight, stop."""
    direction = draw.pick(draw.limits.directions)
    start, end = draw.span()
    x0, y0, x1, y1 = draw.leg(radius, direction, 0.32, 0.48)
    events = (Event("move", start, end, direction), Event("stop", end, end))
    return Course(((start, x0, y0), (end, x1, y1)), ((0.0, radius),), events)


def _crossing(draw: Draw, radius: float) -> tuple[str, Point, Point, float]:
    """A direction, a place outside, one inside on its way, and the share of the way outside."""
    direction = draw.pick(STRAIGHT)
    inside, outside = list(draw.place(radius)), [0.0, 0.0]
    axis = 0 if DIRECTIONS[direction][0] else 1
    step = DIRECTIONS[direction][axis]
    # Just beyond the edge it comes from, whatever the camera does.
    extent = 1.25 * radius * draw.stretch[axis]
    beyond = draw.camera_reach + _EDGE
    low, high = draw.room(radius)[axis]
    middle = (low + high) / 2
    inside[axis] = draw.between(middle, high) if step > 0 else draw.between(low, middle)
    outside[1 - axis] = inside[1 - axis]
    outside[axis] = -extent - beyond if step > 0 else 1 + extent + beyond
    share = beyond / abs(inside[axis] - outside[axis])
    return direction, (outside[0], outside[1]), (inside[0], inside[1]), share


def enter(draw: Draw, radius: float) -> Course:
    """Come in over an edge and stop."""
    direction, outside, inside, share = _crossing(draw, radius)
    start, end = draw.span(0.35, 0.5)
    seen = start + share * (end - start)
    events = (Event("enter", seen, end, direction), Event("stop", end, end))
    return Course(((start, *outside), (end, *inside)), ((0.0, radius),), events)


def leave(draw: Draw, radius: float) -> Course:
    """Wait, then go out over an edge."""
    # The way in, the other way round.
    inward, outside, inside, share = _crossing(draw, radius)
    start, end = draw.span(0.35, 0.5)
    gone = end - share * (end - start)
    events = (Event("leave", start, gone, OPPOSITE[inward]),)
    return Course(((start, *inside), (end, *outside)), ((0.0, radius),), events)


def turn(draw: Draw, radius: float) -> Course:
    """Go straight, turn by a right angle, go on, stop."""
    first = draw.pick(STRAIGHT)
    second = draw.pick(("up", "down") if first in ("left", "right") else ("left", "right"))
    start, end = draw.span(0.56, 0.72)
    corner = start + (end - start) * draw.between(0.45, 0.55)
    x0, y0, x1, y1 = draw.leg(radius, first, 0.32, 0.5)
    a0, b0, a1, b1 = draw.leg(radius, second, 0.32, 0.5)
    if first in ("left", "right"):
        way = ((start, x0, b0), (corner, x1, b0), (end, x1, b1))
    else:
        way = ((start, a0, y0), (corner, a0, y1), (end, a1, y1))
    events = (
        Event("move", start, corner, first),
        Event("turn", corner, corner),
        Event("move", corner, end, second),
        Event("stop", end, end),
    )
    return Course(way, ((0.0, radius),), events)


def _resize(draw: Draw, kind: str) -> Course:
    start, end = draw.span()
    small, large = draw.size("small"), draw.size("large")
    before, after = (small, large) if kind == "grow" else (large, small)
    path = still(draw.place(large))
    return Course(path, ((start, before), (end, after)), (Event(kind, start, end),))


def grow(draw: Draw, radius: float) -> Course:
    """Stay, and become large."""
    return _resize(draw, "grow")


def shrink(draw: Draw, radius: float) -> Course:
    """Stay, and become small."""
    return _resize(draw, "shrink")


def recolor(draw: Draw, radius: float) -> Course:
    """Stay, and take another colour."""
    when = draw.between(0.3, 0.7)
    event = Event("recolor", when, when, color=draw.pick(draw.colors))
    return Course(still(draw.place(radius)), ((0.0, radius),), (event,))


ALONE: dict[str, Callable[[Draw, float], Course]] = {
    "stay": stay,
    "move": move,
    "enter": enter,
    "leave": leave,
    "turn": turn,
    "grow": grow,
    "shrink": shrink,
    "recolor": recolor,
}
