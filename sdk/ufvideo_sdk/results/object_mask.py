"""One object, and all objects, on one frame; masks are held as COCO run-length codes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.results.rle import decode_masks, mask_extents
from ufvideo_sdk.validation.arguments import as_number, described
from ufvideo_sdk.validation.short_text import counted

if TYPE_CHECKING:
    import supervision

Box = tuple[int, int, int, int]
"""x1, y1, x2, y2 in pixels: the pixels are those of rows y1 to y2 - 1 and columns x1 to x2 - 1."""


@dataclass(frozen=True)
class ObjectMask:
    """One object on one frame.

    Attributes:
        runs: The mask as the `counts` of a COCO run-length code.
        score: How well the model believes the mask to fit (see `MaskTrack.scores`).
        height: Height of the frame in pixels.
        width: Width of the frame in pixels.

    Raises:
        InputError: When the runs do not fill height x width, or the score is not finite.
    """

    runs: str
    score: float
    height: int
    width: int

    def __post_init__(self) -> None:
        """Check the code and the score, of whatever kind of real number it is."""
        _ = self._extent
        score = as_number(self.score)
        if score is None:
            raise InputError(f"expected a finite score, got {described(self.score)}")
        object.__setattr__(self, "score", score)

    @cached_property
    def _extent(self) -> NDArray[np.int64]:
        # No field: `dataclasses.asdict` has those that a caller gave.
        extent: NDArray[np.int64]
        (extent,) = mask_extents([self.runs], height=self.height, width=self.width)
        return extent

    def __reduce__(self) -> tuple[type[ObjectMask], tuple[str, float, int, int]]:
        """Copies and pickles are made anew, and checked."""
        return type(self), (self.runs, self.score, self.height, self.width)

    @property
    def num_pixels(self) -> int:
        """Pixels of the object."""
        return int(self._extent[0])

    @property
    def is_empty(self) -> bool:
        """Whether there is no pixel of the object."""
        return self.num_pixels == 0

    @property
    def box(self) -> Box | None:
        """x1, y1, x2, y2 in pixels around the object, the last two exclusive; None without a pixel.

        `frame[y1:y2, x1:x2]` are the pixels within it. A row of `MaskTrack.boxes` is the same box.
        `Region.from_box` expects a width and a height in place of x2 and y2.
        """
        x1, y1, x2, y2 = boxes_of(self._extent[None])[0].tolist()
        return None if self.is_empty else (x1, y1, x2, y2)

    def pixels(self) -> NDArray[np.bool_]:
        """Decode the mask, bool [H, W]."""
        mask: NDArray[np.bool_] = decode_masks([self.runs], height=self.height, width=self.width)[0]
        return mask

    def __repr__(self) -> str:
        """Say what is there, not the code."""
        found = "empty" if self.is_empty else f"box {self.box}, score {self.score:.2f}"
        return f"ObjectMask({self.width} x {self.height} px, {found})"


@dataclass(frozen=True)
class FrameMasks:
    """All objects on one frame.

    Attributes:
        frame_idx: Source index of the frame.
        time_s: Its presentation time in seconds.
        objects: One mask for each object, empty ones included.
    """

    frame_idx: int
    time_s: float
    objects: tuple[ObjectMask, ...]

    def to_supervision(self) -> supervision.Detections:
        """The frame's masks as `supervision.Detections`; objects without a pixel are left out.

        `xyxy` are the boxes (x2 and y2 exclusive), `mask` is bool [n, H, W], `confidence` the
        scores; `tracker_id` is the object's number from 1, `class_id` the same from 0, and
        `data["class_name"]` "object 1" and so on.

        Raises:
            ConfigError: When supervision is not installed.
        """
        from ufvideo_sdk.results.supervision_detections import detections_of

        return detections_of(self)

    def __repr__(self) -> str:
        """Say how many objects, not their codes."""
        found = sum(not mask.is_empty for mask in self.objects)
        return (
            f"FrameMasks(frame {self.frame_idx}, {self.time_s:.3f} s,"
            f" {counted(len(self.objects), 'object')}, {found} found)"
        )


def numbered_name(idx: int) -> str:
    """Return what an object without a name of its own is called: "object 1" and so on.

    Args:
        idx: Index of the object, from 0.
    """
    return f"object {idx + 1}"


def boxes_of(extents: NDArray[np.int64]) -> NDArray[np.int64]:
    """Boxes of what `mask_extents` returned.

    Args:
        extents: Number of pixels, left, top, width and height, int64 [F, 5].

    Returns:
        x1, y1, x2, y2 of each, x2 and y2 exclusive, int64 [F, 4]; all 0 without a pixel.
    """
    top_left, size = extents[:, 1:3], extents[:, 3:5]
    return np.concatenate([top_left, top_left + size], axis=1)
