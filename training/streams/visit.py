"""A thing's way through a street, and what is true of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Visit:
    """A thing comes in over an edge, stops, goes on, and leaves.

    Attributes:
        name: What it is called, such as "red circle".
        lane: Number of its lane; 0 is the upper one.
        points: Seconds of the stream and places along the street, fractions of the picture's width,
            in order of time, joined by straight lines.
    """

    name: str
    lane: int
    points: tuple[tuple[float, float], ...]

    @property
    def start_s(self) -> float:
        """When it sets out from beyond an edge."""
        return self.points[0][0]

    @property
    def end_s(self) -> float:
        """When it has gone beyond an edge."""
        return self.points[-1][0]

    def legs(self) -> Iterator[Leg]:
        """Every straight way, in order; rests are none."""
        for (start_s, start), (end_s, end) in pairwise(self.points):
            if start != end:
                yield Leg(start_s, end_s, start, end)


@dataclass(frozen=True)
class Leg:
    """A straight way from one place to another.

    Attributes:
        start_s: When it begins, seconds of the stream.
        end_s: When it ends.
        start: Where it begins, a fraction of the picture's width.
        end: Where it ends.
    """

    start_s: float
    end_s: float
    start: float
    end: float

    @property
    def direction(self) -> str:
        """Where it goes, "left" or "right"."""
        return "right" if self.end > self.start else "left"

    @property
    def is_inside(self) -> bool:
        """Whether it begins and ends within the picture."""
        return min(self.start, self.end) >= 0 and max(self.start, self.end) <= 1
