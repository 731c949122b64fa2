"""Pixels of a polygon."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

# Crossings of edges and rows that are looked at together.
_MAX_CROSSINGS = 1 << 20

Corners = NDArray[np.int64]


def filled_polygon(corners: NDArray[np.int32], height: int, width: int) -> NDArray[np.bool_]:
    """Return the pixels within a polygon, even-odd, and those that its outline touches.

    The pixels are those of OpenCV's `fillPoly`, which sorts all edges that cross a row anew for
    each row: 100,000 corners at random take it minutes. Here an edge costs as many steps as it
    crosses rows, whatever the others do.

    Args:
        corners: Whole pixels (x, y) within the picture, int32 [K, 2], K of 3 or more.
        height: Height of the picture in pixels.
        width: Width of the picture in pixels.

    Returns:
        bool [height, width].
    """
    import cv2

    odd = np.zeros((height, width + 1), np.bool_)
    for rows, columns in _crossings(corners.astype(np.int64)):
        at, counts = np.unique(rows * (width + 1) + columns, return_counts=True)
        odd.reshape(-1)[at[counts % 2 == 1]] ^= True
    filled = np.logical_xor.accumulate(odd, axis=1)[:, :width].astype(np.uint8)
    cv2.polylines(filled, [corners], isClosed=True, color=1)
    return filled.astype(np.bool_)


def _crossings(corners: Corners) -> Iterator[tuple[Corners, Corners]]:
    """Yield the rows that edges cross and the first column at or behind each crossing, int64 [n].

    Args:
        corners: Whole pixels (x, y), int64 [K, 2].
    """
    first, second = corners, np.roll(corners, -1, axis=0)
    down = first[:, 1] <= second[:, 1]
    upper = np.where(down[:, None], first, second)
    lower = np.where(down[:, None], second, first)
    num_rows = lower[:, 1] - upper[:, 1]
    upper, lower, num_rows = (part[num_rows > 0] for part in (upper, lower, num_rows))
    last = np.cumsum(num_rows)
    begin = 0
    while begin < len(num_rows):
        done = last[begin - 1] if begin else 0
        end = max(int(np.searchsorted(last, done + _MAX_CROSSINGS, side="right")), begin + 1)
        part = slice(begin, end)
        edge = np.repeat(np.arange(begin, end), num_rows[part])
        row = np.arange(len(edge)) - np.repeat(last[part] - num_rows[part] - done, num_rows[part])
        run = (lower[edge, 0] - upper[edge, 0]) * row
        # Rounded up: a pixel is inside from its centre on.
        yield upper[edge, 1] + row, upper[edge, 0] - (-run // num_rows[edge])
        begin = end
