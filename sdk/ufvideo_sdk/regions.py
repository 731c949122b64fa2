"""Objects that a question points at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.arguments import as_array
from ufvideo_sdk.errors import InputError


@dataclass(frozen=True, eq=False)
class Region:
    """One object, marked on one or more frames. It fills one `<region>` mark of a question.

    Attributes:
        frame_idxs: Source index of each marked frame, int64 [F], strictly increasing, read-only.
        masks: The object's pixels at the source's size, bool [F, H, W], read-only, none empty.

    Raises:
        InputError: When an index repeats, dtypes or shapes differ, or a mask has no pixel.
    """

    frame_idxs: NDArray[np.int64]
    masks: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Check both arrays and keep copies that cannot change."""
        idxs = as_array(self.frame_idxs, "frame_idxs", "a list of one or more integers")
        if idxs.ndim != 1 or idxs.size == 0 or not np.issubdtype(idxs.dtype, np.integer):
            raise InputError(
                f"frame_idxs: expected a list of one or more integers, got {idxs.dtype}"
                f" {list(idxs.shape)}"
            )
        if idxs[0] < 0 or (np.diff(idxs) <= 0).any():
            raise InputError(
                f"frame_idxs: expected strictly increasing from 0 on, got {idxs.tolist()[:16]}"
            )
        masks = as_array(self.masks, "masks", "bool [F, H, W]").copy()
        if masks.dtype != np.bool_ or masks.ndim != 3 or len(masks) != len(idxs):
            raise InputError(
                f"masks: expected bool [{len(idxs)}, H, W], one for each of frame_idxs, got"
                f" {masks.dtype} {list(masks.shape)}"
            )
        empty = np.flatnonzero(~masks.any(axis=(1, 2)))
        if empty.size:
            raise InputError(f"masks: expected a pixel or more, frame {idxs[empty[0]]} has none")
        for name, array in (("frame_idxs", idxs.astype(np.int64)), ("masks", masks)):
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def __repr__(self) -> str:
        _, height, width = self.masks.shape
        return f"Region(frames {self.frame_idxs.tolist()}, {height} x {width} px)"

    @classmethod
    def from_box(
        cls, frame_idx: int, box_xywh: Sequence[float], *, height: int, width: int
    ) -> Region:
        """Mark a box on one frame.

        Args:
            frame_idx: Source index of the frame.
            box_xywh: Left, top, width and height in pixels; edges are rounded to whole pixels.
            height: Height of the frame in pixels.
            width: Width of the frame in pixels.

        Raises:
            InputError: When the box is empty or does not lie within the frame.
        """
        box = _points(box_xywh, "box_xywh", (4,))
        left, top, right, bottom = np.rint([box[0], box[1], box[0] + box[2], box[1] + box[3]])
        _check_size(height, width)
        within = 0 <= left < right <= width and 0 <= top < bottom <= height
        if not within:
            raise InputError(
                f"box_xywh: expected a box of a pixel or more within {width} x {height} px (width x"
                f" height), got {box.tolist()}"
            )
        mask = np.zeros((1, height, width), np.bool_)
        mask[0, int(top) : int(bottom), int(left) : int(right)] = True
        return cls(np.array([frame_idx]), mask)

    @classmethod
    def from_polygon(
        cls,
        frame_idx: int,
        points_xy: Sequence[Sequence[float]] | NDArray[Any],
        *,
        height: int,
        width: int,
    ) -> Region:
        """Mark the inside of a polygon on one frame, even-odd where it crosses itself.

        Args:
            frame_idx: Source index of the frame.
            points_xy: Corners in pixels, [K, 2], K of 3 or more; closed by itself. Pixels the
                outline touches belong to it.
            height: Height of the frame in pixels.
            width: Width of the frame in pixels.

        Raises:
            InputError: When there are too few corners, or one lies outside the frame.
        """
        import cv2

        points = _points(points_xy, "points_xy", (None, 2))
        _check_size(height, width)
        if len(points) < 3:
            raise InputError(f"points_xy: expected 3 corners or more, got {len(points)}")
        outside = (points < 0).any(axis=1) | (points > [width, height]).any(axis=1)
        if outside.any():
            raise InputError(
                f"points_xy: expected corners within {width} x {height} px (width x height), got"
                f" {points[outside][0].tolist()}"
            )
        canvas = np.zeros((height, width), np.uint8)
        corners = np.minimum(np.rint(points), [width - 1, height - 1]).astype(np.int32)
        cv2.fillPoly(canvas, [corners], 1)
        return cls(np.array([frame_idx]), canvas[None].astype(np.bool_))


def _points(values: Any, name: str, shape: tuple[int | None, ...]) -> NDArray[np.float64]:
    try:
        points = np.array(values, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name}: expected numbers in pixels, got {values!r}") from None
    fits = points.ndim == len(shape) and all(
        want in (None, got) for want, got in zip(shape, points.shape, strict=True)
    )
    if not fits or not np.isfinite(points).all():
        expected = ["K" if side is None else side for side in shape]
        raise InputError(f"{name}: expected finite numbers {expected}, got {list(points.shape)}")
    return points


def _check_size(height: int, width: int) -> None:
    for name, side in (("height", height), ("width", width)):
        if isinstance(side, bool) or not isinstance(side, (int, np.integer)) or side < 1:
            raise InputError(f"{name}: expected 1 pixel or more, got {side!r}")
