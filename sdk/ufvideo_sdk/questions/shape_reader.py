"""Reads areas and lines from a document."""

from __future__ import annotations

from collections.abc import Mapping

from ufvideo_sdk.questions.entry import Entry, Problems
from ufvideo_sdk.questions.mapping_reader import MappingReader, did_you_mean
from ufvideo_sdk.questions.shapes import SIDES, Area, Line, Point, box_area
from ufvideo_sdk.validation.finite import is_finite_number

_MAX_POINTS = 64
# A thousandth of the width times a thousandth of the height: below a pixel of most pictures.
_SMALLEST = 1e-6
_BOX = "a box [left, top, right, bottom]"
_AREA = f"{_BOX} or a list of corners [x, y], in fractions of the picture"
_LINE = "a mapping such as {points: [[0.2, 0.5], [0.8, 0.5]], inside: below}"


def read_area(entry: Entry, problems: Problems, named: Mapping[str, Area]) -> Area | None:
    """Return a box, a polygon or a named area; None and a problem where it is none.

    Args:
        entry: The value.
        problems: Where a problem is added.
        named: Areas that a text may name.
    """
    if isinstance(entry.value, str) and named:
        return _named_area(entry, problems, named)
    if not isinstance(entry.value, list) or not entry.value:
        problems.add(entry, _AREA)
        return None
    if not isinstance(entry.value[0].value, list):
        return _read_box(entry, problems)
    points = _read_points(entry, problems)
    if points is None:
        return None
    area = Area(points)
    if not 3 <= len(points) <= _MAX_POINTS:
        problems.add(entry, f"3 to {_MAX_POINTS} corners", f"{len(points)}")
        return None
    crossing = area.crossing_edges()
    if crossing is not None:
        got = f"edges {crossing[0]} and {crossing[1]} that cross"
        problems.add(entry, "corners in order around the area", got, "swap two corners")
        return None
    if area.size < _SMALLEST:
        problems.add(entry, "an area of more than a pixel", f"{area.size:g} of the picture")
        return None
    return area


def read_line(entry: Entry, problems: Problems) -> Line | None:
    """Return a line, or None and a problem."""
    reader = MappingReader(entry, problems, _LINE)
    taken = reader.take("points")
    side = reader.one_of("inside", SIDES, "") or None
    reader.finish()
    if taken is None:
        if isinstance(entry.value, dict) and not reader.has("points"):
            problems.add(entry, _LINE, "a mapping without points")
        return None
    points = _read_points(taken, problems)
    if points is None:
        return None
    if len(points) != 2 or points[0] == points[1]:
        got = f"{len(points)} points" if len(points) != 2 else "the same point twice"
        problems.add(taken, "two points", got)
        return None
    line = Line(points[0], points[1])
    if side is not None and not line.has_side(side):
        other = "left or right" if side in ("above", "below") else "above or below"
        lies = "vertical" if side in ("above", "below") else "horizontal"
        got = f"{side} of a {lies} line"
        problems.add(
            reader.entry.value["inside"], "a side that the line has", got, f"write {other}"
        )
        return None
    return Line(points[0], points[1], side)


def _read_points(entry: Entry, problems: Problems) -> tuple[Point, ...] | None:
    """Return a list of [x, y] as points, or None and a problem."""
    if not isinstance(entry.value, list):
        problems.add(entry, "a list of points [x, y]")
        return None
    found = []
    for item in entry.value:
        numbers = _fractions(item, problems, 2, "a point [x, y]")
        if numbers is None:
            return None
        found.append((numbers[0], numbers[1]))
    return tuple(found)


def _named_area(entry: Entry, problems: Problems, named: Mapping[str, Area]) -> Area | None:
    area = named.get(entry.value)
    if area is None:
        fix = did_you_mean(entry.value, tuple(named)) or f"the file has {', '.join(named)}"
        problems.add(entry, "the name of a zone", fix=fix)
    return area


def _read_box(entry: Entry, problems: Problems) -> Area | None:
    numbers = _fractions(entry, problems, 4, _AREA)
    if numbers is None:
        return None
    left, top, right, bottom = numbers
    if left >= right or top >= bottom:
        problems.add(
            entry, _BOX, f"{list(numbers)}", "right must exceed left, and bottom must exceed top"
        )
        return None
    return box_area((left, top, right, bottom))


def _fractions(
    entry: Entry, problems: Problems, num: int, expected: str
) -> tuple[float, ...] | None:
    """Return a list of so many numbers from 0 to 1, or None and a problem."""
    items = entry.value if isinstance(entry.value, list) else []
    values = [item.value for item in items]
    if len(values) != num or not all(map(is_finite_number, values)):
        got = f"{len(values)} values" if isinstance(entry.value, list) else None
        if isinstance(entry.value, list) and len(values) == num:
            got = "values that are no numbers"
        problems.add(entry, expected, got)
        return None
    if not all(0 <= value <= 1 for value in values):
        fix = "divide pixels by the picture's width or height" if max(values) > 1 else ""
        problems.add(entry, "fractions of the picture from 0 to 1", f"{values}", fix)
        return None
    return tuple(float(value) for value in values)
