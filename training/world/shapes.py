"""Outlines of the kinds of things, at radius 1 around the origin."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Contours = tuple[NDArray[np.float64], ...]


def _around(count: int, radius: float, *, first: float = -np.pi / 2) -> NDArray[np.float64]:
    angles = first + 2 * np.pi * np.arange(count) / count
    return np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1)


def _star() -> NDArray[np.float64]:
    points = np.empty((10, 2))
    points[0::2] = _around(5, 1.2)
    points[1::2] = _around(5, 0.5, first=-np.pi / 2 + np.pi / 5)
    return np.add(points, [0.0, 0.1])


def _cross() -> NDArray[np.float64]:
    far, near = 1.0, 0.36
    corner = np.array([[near, -far], [near, -near], [far, -near]])
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    corners = [corner]
    for _ in range(3):
        corners.append(corners[-1] @ quarter.T)
    return np.concatenate(corners)


@cache
def contours(kind: str) -> Contours:
    """Closed outlines of a kind; a second one cuts a hole.

    Args:
        kind: One of scene.KINDS.

    Returns:
        Each float64 [points, 2] of x and y (y downwards), within 1.25 of the origin.

    Raises:
        KeyError: When the kind is unknown.
    """
    outlines: dict[str, Contours] = {
        "circle": (_around(40, 1.0),),
        "square": (_around(4, 0.9 * np.sqrt(2), first=np.pi / 4),),
        "triangle": (np.add(_around(3, 1.25), [0.0, 0.25]),),
        "star": (_star(),),
        "cross": (_cross(),),
        "ring": (_around(40, 1.05), _around(32, 0.55)),
    }
    return outlines[kind]


def touching(kinds: tuple[str, str], radii: tuple[float, float], step: tuple[int, int]) -> float:
    """Distance of the centres at which one shape that comes along an axis touches another.

    Both centres lie on the line of movement.

    Args:
        kinds: Kind of the shape that moves, and of the one it meets.
        radii: Their radii.
        step: Direction of movement, one of its parts 0.
    """
    across = np.linspace(-1, 1, 101) * min(radii) * 1.25
    fronts = [
        _front(kind, (sign * step[0], sign * step[1]), tuple((across / radius).tolist())) * radius
        for kind, radius, sign in zip(kinds, radii, (1, -1), strict=True)
    ]
    return float(np.nanmax(fronts[0] + fronts[1]))


def _front(kind: str, step: tuple[int, int], across: tuple[float, ...]) -> NDArray[np.float64]:
    """How far a shape of radius 1 extends along a direction at places beside its centre.

    NaN where there is nothing of it.
    """
    outline = contours(kind)[0]
    along = outline @ np.array(step)
    beside = outline @ np.array([abs(step[1]), abs(step[0])])
    next_along, next_beside = np.roll(along, -1), np.roll(beside, -1)
    places = np.asarray(across)[:, None]
    rise = next_beside - beside
    flat = np.abs(rise) < 1e-9
    part = (places - beside) / np.where(flat, 1.0, rise)
    crossed = (part >= 0) & (part <= 1) & ~flat
    extents = np.where(crossed, along + part * (next_along - along), -np.inf).max(axis=1)
    return np.where(np.isfinite(extents), extents, np.nan)
