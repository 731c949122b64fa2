"""Masks of objects on frames, held as COCO run-length codes.

A dense mask has a byte for each pixel: five minutes of one object in 1080p, 30 frames a second, are
18 GB. The code of a mask grows with its outline, and is decoded when its pixels are asked for.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.results.rle import check_memory, decode_masks, encode_mask, mask_extents
from ufvideo_sdk.validation.arguments import as_number, check_num_pixels, check_sequence, described

Box = tuple[int, int, int, int]
"""Left, top, width and height in pixels."""


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
        """Left, top, width and height in pixels around the object; None if it has no pixel."""
        return _box(self._extent)

    def pixels(self) -> NDArray[np.bool_]:
        """Decode the mask, bool [H, W]."""
        mask: NDArray[np.bool_] = decode_masks([self.runs], height=self.height, width=self.width)[0]
        return mask


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


@dataclass(frozen=True, eq=False)
class MaskTrack(Sequence[ObjectMask]):
    """One object on the frames it was looked for; the k-th track belongs to the k-th [SEG].

    `track[i]` and `for mask in track` decode nothing; `track[i].pixels()` decodes one mask. Tracks
    are equal when frames, codes, scores and size are.

    Attributes:
        frame_idxs: Source index of each frame, int64 [F], read-only.
        runs: The object's pixels on each frame, at the source's own size, as the `counts` of a COCO
            run-length code.
        scores: How well the model believes each mask to fit: its predicted IoU with the object,
            float32 [F], read-only. It is predicted as if the object were there: it does not say
            whether it is, and a mask without a pixel has one too. `Session.segment(...,
            allow_absent=True)` asks the model whether it is there.
        height: Height of the frames in pixels.
        width: Width of the frames in pixels.

    Raises:
        InputError: When a dtype or shape differs, an index is negative, a code does not fill height
            x width, or a score is not finite.
    """

    frame_idxs: NDArray[np.int64]
    runs: tuple[str, ...]
    scores: NDArray[np.float32]
    height: int
    width: int

    def __post_init__(self) -> None:
        """Check dtypes, shapes and values; keep views that cannot be written."""
        _require("frame_idxs", self.frame_idxs, np.int64, 1)
        _require("scores", self.scores, np.float32, 1)
        check_sequence(self.runs, "runs", "run-length codes")
        object.__setattr__(self, "runs", tuple(self.runs))
        counts = [len(self.frame_idxs), len(self.runs), len(self.scores)]
        if len(set(counts)) != 1:
            raise InputError(
                "expected as many frame_idxs as masks and scores, got"
                f" {counts[0]}, {counts[1]} and {counts[2]}"
            )
        if (self.frame_idxs < 0).any():
            raise InputError(f"expected frame_idxs from 0 on, got {int(self.frame_idxs.min())}")
        if not np.isfinite(self.scores).all():
            raise InputError("expected finite scores, got NaN or infinity")
        _ = self._extents
        for name in ("frame_idxs", "scores"):
            # A view: the caller's own array stays as it is.
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @cached_property
    def _extents(self) -> NDArray[np.int64]:
        return mask_extents(self.runs, height=self.height, width=self.width)

    @property
    def _parts(self) -> _Parts:
        return self.frame_idxs, self.runs, self.scores, self.height, self.width

    def __reduce__(self) -> tuple[Callable[..., MaskTrack], tuple[type[MaskTrack], _Parts]]:
        """Copies and pickles are made anew: checked, and their arrays cannot be written either."""
        return _remade, (type(self), self._parts)

    def __eq__(self, other: object) -> bool:
        """Whether frames, codes, scores and size are the same."""
        if not isinstance(other, MaskTrack):
            return NotImplemented
        return (
            (self.height, self.width, self.runs) == (other.height, other.width, other.runs)
            and np.array_equal(self.frame_idxs, other.frame_idxs)
            and np.array_equal(self.scores, other.scores)
        )

    def __hash__(self) -> int:
        """Equal tracks have equal hashes."""
        return hash((self.height, self.width, self.runs))

    @classmethod
    def from_masks(
        cls,
        frame_idxs: NDArray[np.int64],
        masks: NDArray[np.bool_],
        scores: NDArray[np.float32],
    ) -> MaskTrack:
        """Encode dense masks.

        Args:
            frame_idxs: Source index of each frame, int64 [F].
            masks: bool [F, H, W], sides of 1 or more.
            scores: float32 [F].

        Raises:
            InputError: When a dtype or shape differs, an index is negative or a score is not
                finite.
        """
        _require("masks", masks, np.bool_, 3)
        _, height, width = masks.shape
        check_num_pixels(height, width)
        runs = tuple(encode_mask(np.ascontiguousarray(mask)) for mask in masks)
        return cls(frame_idxs, runs, scores, height, width)

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.runs)

    @overload
    def __getitem__(self, position: int) -> ObjectMask: ...

    @overload
    def __getitem__(self, position: slice) -> MaskTrack: ...

    def __getitem__(self, position: int | slice) -> ObjectMask | MaskTrack:
        """One mask by its position among the frames, or a part of the track for a slice.

        Raises:
            IndexError: When the track has no such position.
            TypeError: When it is neither an integer nor a slice.
        """
        if isinstance(position, slice):
            return MaskTrack(
                self.frame_idxs[position],
                self.runs[position],
                self.scores[position],
                self.height,
                self.width,
            )
        at = _as_position(position)
        return ObjectMask(self.runs[at], float(self.scores[at]), self.height, self.width)

    def __iter__(self) -> Iterator[ObjectMask]:
        """The masks, in the order of the frames."""
        return (self[position] for position in range(len(self)))

    @property
    def masks(self) -> NDArray[np.bool_]:
        """All masks decoded, bool [F, H, W], read-only: made anew each time it is asked for.

        Raises:
            CapacityError: When memory does not hold F x H x W bytes; nothing is allocated then.
        """
        check_memory(len(self), self.height, self.width)
        masks = decode_masks(self.runs, height=self.height, width=self.width)
        masks.flags.writeable = False
        return masks

    @property
    def num_pixels(self) -> NDArray[np.int64]:
        """Pixels of the object on each frame, int64 [F], read-only."""
        counts: NDArray[np.int64] = self._extents[:, 0]
        return counts

    @property
    def is_empty(self) -> bool:
        """Whether no frame has a pixel of the object."""
        return not self.num_pixels.any()

    def boxes(self) -> tuple[Box | None, ...]:
        """Left, top, width and height in pixels around each mask; None where it has no pixel."""
        return tuple(_box(extent) for extent in self._extents)

    def __repr__(self) -> str:
        """Say the sizes, not the pixels."""
        empty = ", empty" if self.is_empty else ""
        return f"MaskTrack({len(self)} frames, {self.height} x {self.width} px{empty})"


_Parts = tuple[NDArray[np.int64], tuple[str, ...], NDArray[np.float32], int, int]


def _remade(kind: type[MaskTrack], parts: _Parts) -> MaskTrack:
    """A track of the parts of one, whose arrays are its own."""
    frame_idxs, _, scores, _, _ = parts
    frame_idxs.flags.writeable = scores.flags.writeable = False
    return kind(*parts)


def _as_position(position: object) -> int:
    """The position as an int.

    Raises:
        TypeError: When it is none, such as a bool, which Python counts among the integers.
    """
    if not isinstance(position, (bool, np.bool_)):
        try:
            return operator.index(position)  # type: ignore[arg-type]
        except TypeError:
            pass
    raise TypeError(f"track: expected an integer or a slice as index, got {described(position)}")


def _box(extent: NDArray[np.int64]) -> Box | None:
    num_pixels, left, top, width, height = extent.tolist()
    return (left, top, width, height) if num_pixels else None


def _require(name: str, array: NDArray[Any], dtype: type[np.generic], ndim: int) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != ndim:
        came = (
            f"{array.dtype} {list(array.shape)}" if isinstance(array, np.ndarray) else repr(array)
        )
        raise InputError(
            f"expected {name} as {np.dtype(dtype)} with {ndim} dimension(s), got {came}"
        )
