"""Objects that a question points at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.arguments import as_array, as_indices, check_num_pixels, described
from ufvideo_sdk.video.polygon import filled_polygon

MAX_CORNERS = 100_000


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
        idxs = as_indices(self.frame_idxs, "frame_idxs")
        if idxs[0] < 0 or (np.diff(idxs) <= 0).any():
            raise InputError(
                f"frame_idxs: expected strictly increasing from 0 on, got {idxs.tolist()[:16]}"
            )
        masks = as_array(self.masks, "masks", "bool [F, H, W]").copy()
        if masks.dtype != np.bool_ or masks.ndim != 3 or len(masks) != len(idxs):
            is_number = masks.dtype != np.bool_ and masks.dtype != object
            remedy = ": masks > 0 is where they are not zero" if is_number else ""
            if masks.dtype == np.bool_ and masks.ndim == 2:
                remedy = ": masks[None] is one frame's"
            raise InputError(
                f"masks: expected bool [{len(idxs)}, H, W], one for each of frame_idxs, got"
                f" {masks.dtype} {list(masks.shape)}{remedy}"
            )
        empty = np.flatnonzero(~masks.any(axis=(1, 2)))
        if empty.size:
            raise InputError(f"masks: expected a pixel or more, frame {idxs[empty[0]]} has none")
        for name, array in (("frame_idxs", idxs), ("masks", masks)):
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def __repr__(self) -> str:
        _, height, width = self.masks.shape
        return f"Region(frames {self.frame_idxs.tolist()}, {width} x {height} px)"

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
        check_num_pixels(height, width)
        with np.errstate(over="ignore"):
            left, top, right, bottom = np.rint([*box[:2], *(box[:2] + box[2:])])
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
            points_xy: Corners in pixels, [K, 2], K from 3 to 100,000; closed by itself. Pixels the
                outline touches belong to it.
            height: Height of the frame in pixels.
            width: Width of the frame in pixels.

        Raises:
            InputError: When there are too few corners or too many, or one lies outside the frame.
        """
        points = _points(points_xy, "points_xy", (None, 2))
        check_num_pixels(height, width)
        if not 3 <= len(points) <= MAX_CORNERS:
            raise InputError(f"points_xy: expected 3 to {MAX_CORNERS:,} corners, got {len(points)}")
        outside = (points < 0).any(axis=1) | (points > [width, height]).any(axis=1)
        if outside.any():
            raise InputError(
                f"points_xy: expected corners within {width} x {height} px (width x height), got"
                f" {points[outside][0].tolist()}"
            )
        corners = np.minimum(np.rint(points), [width - 1, height - 1]).astype(np.int32)
        return cls(np.array([frame_idx]), filled_polygon(corners, height, width)[None])


def _points(values: Any, name: str, shape: tuple[int | None, ...]) -> NDArray[np.float64]:
    try:
        points = np.array(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name}: expected numbers in pixels, got {described(values)}") from None
    fits = points.ndim == len(shape) and all(
        want in (None, got) for want, got in zip(shape, points.shape, strict=True)
    )
    if not fits or not np.isfinite(points).all():
        expected = ["K" if side is None else side for side in shape]
        raise InputError(f"{name}: expected finite numbers {expected}, got {list(points.shape)}")
    return points
