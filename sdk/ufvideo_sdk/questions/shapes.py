"""Areas and lines in fractions of the picture: x from left to right, y from top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, float]
Box = tuple[float, float, float, float]
"""Left, top, right and bottom, each a fraction of the picture."""

SIDES = ("above", "below", "left", "right")
# Far below a pixel of any picture, above the rounding of a fraction.
_ON_EDGE = 1e-9


@dataclass(frozen=True)
class Area:
    """A polygon.

    Attributes:
        points: Its corners in order around it, three or more, each x and y from 0 to 1.
    """

    points: tuple[Point, ...]

    @property
    def edges(self) -> tuple[tuple[Point, Point], ...]:
        """Its edges, the last one back to the first corner."""
        return tuple(zip(self.points, (*self.points[1:], self.points[0]), strict=True))

    @property
    def size(self) -> float:
        """The part of the picture that it covers, from 0 to 1."""
        return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in self.edges)) / 2

    def contains(self, point: Point) -> bool:
        """Whether a point lies in it; its edges belong to it."""
        x, y = point
        is_inside = False
        for a, b in self.edges:
            if _is_on(point, a, b):
                return True
            if (a[1] > y) != (b[1] > y) and x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]):
                is_inside = not is_inside
        return is_inside

    def crossing_edges(self) -> tuple[int, int] | None:
        """Return the numbers, from 1, of two edges that cross, or None."""
        edges = self.edges
        for i, first in enumerate(edges):
            for j in range(i + 2, len(edges)):
                if (i, j) != (0, len(edges) - 1) and _cross_inside(first, edges[j]):
                    return i + 1, j + 1
        return None


@dataclass(frozen=True)
class Line:
    """A straight line between two points.

    Attributes:
        start: One end, x and y from 0 to 1.
        end: The other.
        inside: Which side counts as inside: "above", "below", "left" or "right"; None: neither.
    """

    start: Point
    end: Point
    inside: str | None = None

    def side(self, point: Point) -> int:
        """Return 1 on the inside, -1 on the other side, 0 on the line, which has no ends here.

        Without an `inside` the two sides are told apart, and neither is the inside.
        """
        cross = _cross(self.start, self.end, point)
        if abs(cross) <= _ON_EDGE:
            return 0
        sign = 1 if cross > 0 else -1
        return sign * (self._inside_sign() or 1)

    def is_crossed(self, before: Point, after: Point) -> bool:
        """Whether the way from one point to another passes the line between its ends."""
        first = _cross(before, after, self.start)
        second = _cross(before, after, self.end)
        return self.side(before) != self.side(after) and (
            first <= 0 <= second or second <= 0 <= first
        )

    def has_side(self, side: str) -> bool:
        """Whether the line has such a side: a vertical one has nothing above it."""
        return Line(self.start, self.end, side)._inside_sign() != 0

    def _inside_sign(self) -> int:
        """The sign that `_cross` has on the inside; 0 without one."""
        if self.inside is None:
            return 0
        width, height = self.end[0] - self.start[0], self.end[1] - self.start[1]
        along = {"below": width, "above": -width, "right": -height, "left": height}[self.inside]
        return (along > _ON_EDGE) - (along < -_ON_EDGE)


def box_area(box: Box) -> Area:
    """Return a box as an area."""
    left, top, right, bottom = box
    return Area(((left, top), (right, top), (right, bottom), (left, bottom)))


def anchor_of(box: Box, anchor: str) -> Point:
    """Return the point that stands for a box: its "center", or the middle of its "bottom"."""
    left, top, right, bottom = box
    return ((left + right) / 2, bottom if anchor == "bottom" else (top + bottom) / 2)


def _cross(a: Point, b: Point, point: Point) -> float:
    """Above 0 where a point lies to the right of the way from a to b, as seen in the picture."""
    return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])


def _is_on(point: Point, a: Point, b: Point) -> bool:
    if abs(_cross(a, b, point)) > _ON_EDGE:
        return False
    return all(min(a[i], b[i]) - _ON_EDGE <= point[i] <= max(a[i], b[i]) + _ON_EDGE for i in (0, 1))


def _cross_inside(first: Sequence[Point], second: Sequence[Point]) -> bool:
    """Whether two edges cross at a point that is an end of neither."""
    (a, b), (c, d) = first, second
    return _cross(a, b, c) * _cross(a, b, d) < 0 and _cross(c, d, a) * _cross(c, d, b) < 0
