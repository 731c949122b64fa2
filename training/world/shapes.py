"""Outlines of the kinds of things, at radius 1 around the origin."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Contours = tuple[NDArray[np.float64], ...]


def _around(count: int, radius: float, *, first: float = -np.pi / 2) -> NDArray[np.float64]:
    angles = first + 2 * np.pi * np.arange(count) / count
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _star() -> NDArray[np.float64]:
    points = np.empty((10, 2))
    points[0::2] = _around(5, 1.2)
    points[1::2] = _around(5, 0.5, first=-np.pi / 2 + np.pi / 5)
    return points + np.array([0.0, 0.1])


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
    return {
        "circle": lambda: (_around(40, 1.0),),
        "square": lambda: (_around(4, 0.9 * np.sqrt(2), first=np.pi / 4),),
        "triangle": lambda: (_around(3, 1.25) + np.array([0.0, 0.25]),),
        "star": lambda: (_star(),),
        "cross": lambda: (_cross(),),
        "ring": lambda: (_around(40, 1.05), _around(32, 0.55)),
    }[kind]()


@cache
def reach(kind: str, dx: int, dy: int) -> float:
    """How far a kind of radius 1 extends from its origin along an axis."""
    return float(max((contour @ [dx, dy]).max() for contour in contours(kind)))
