"""Masks of an object on the frames of a clip, held as COCO run-length codes.

A dense mask has a byte for each pixel: five minutes of one object in 1080p, 30 frames a second, are
18 GB. The code of a mask grows with its outline, and is decoded when its pixels are asked for.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.results.object_mask import FrameMasks, ObjectMask, boxes_of
from ufvideo_sdk.results.rle import check_memory, decode_masks, encode_mask, mask_extents
from ufvideo_sdk.validation.arguments import check_num_pixels, check_sequence, described
from ufvideo_sdk.validation.short_text import counted

if TYPE_CHECKING:
    import supervision


@dataclass(frozen=True, eq=False)
class MaskTrack(Sequence[ObjectMask]):
    """One object on the frames it was looked for; the k-th track belongs to the k-th [SEG].

    `track[i]` and `for mask in track` decode nothing; `track[i].pixels()` decodes one mask. Tracks
    are equal when frames, times, codes, scores and size are.

    Attributes:
        frame_idxs: Source index of each frame, int64 [F], read-only.
        times_s: Presentation time of each in seconds, float64 [F], read-only.
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
            x width, or a time or a score is not finite.
    """

    frame_idxs: NDArray[np.int64]
    times_s: NDArray[np.float64]
    runs: tuple[str, ...]
    scores: NDArray[np.float32]
    height: int
    width: int

    def __post_init__(self) -> None:
        """Check dtypes, shapes and values; keep views that cannot be written."""
        _require("frame_idxs", self.frame_idxs, np.int64, 1)
        _require("times_s", self.times_s, np.float64, 1)
        _require("scores", self.scores, np.float32, 1)
        check_sequence(self.runs, "runs", "run-length codes")
        object.__setattr__(self, "runs", tuple(self.runs))
        counts = [len(each) for each in (self.frame_idxs, self.times_s, self.runs, self.scores)]
        if len(set(counts)) != 1:
            raise InputError(
                "expected as many frame_idxs as times_s, masks and scores, got"
                f" {counts[0]}, {counts[1]}, {counts[2]} and {counts[3]}"
            )
        if (self.frame_idxs < 0).any():
            raise InputError(f"expected frame_idxs from 0 on, got {int(self.frame_idxs.min())}")
        for name in ("times_s", "scores"):
            if not np.isfinite(getattr(self, name)).all():
                raise InputError(f"expected finite {name}, got NaN or infinity")
        _ = self._extents
        for name in ("frame_idxs", "times_s", "scores"):
            # A view: the caller's own array stays as it is.
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @cached_property
    def _extents(self) -> NDArray[np.int64]:
        return mask_extents(self.runs, height=self.height, width=self.width)

    @property
    def _parts(self) -> _Parts:
        return self.frame_idxs, self.times_s, self.runs, self.scores, self.height, self.width

    def __reduce__(self) -> tuple[Callable[..., MaskTrack], tuple[type[MaskTrack], _Parts]]:
        """Copies and pickles are made anew: checked, and their arrays cannot be written either."""
        return _remade, (type(self), self._parts)

    def __eq__(self, other: object) -> bool:
        """Whether frames, times, codes, scores and size are the same."""
        if not isinstance(other, MaskTrack):
            return NotImplemented
        return (
            (self.height, self.width, self.runs) == (other.height, other.width, other.runs)
            and np.array_equal(self.frame_idxs, other.frame_idxs)
            and np.array_equal(self.times_s, other.times_s)
            and np.array_equal(self.scores, other.scores)
        )

    def __hash__(self) -> int:
        """Equal tracks have equal hashes."""
        return hash((self.height, self.width, self.runs))

    @classmethod
    def from_masks(
        cls,
        frame_idxs: NDArray[np.int64],
        times_s: NDArray[np.float64],
        masks: NDArray[np.bool_],
        scores: NDArray[np.float32],
    ) -> MaskTrack:
        """Encode dense masks.

        Args:
            frame_idxs: Source index of each frame, int64 [F].
            times_s: Presentation time of each in seconds, float64 [F].
            masks: bool [F, H, W], sides of 1 or more.
            scores: float32 [F].

        Raises:
            InputError: When a dtype or shape differs, an index is negative, or a time or a score is
                not finite.
        """
        _require("masks", masks, np.bool_, 3)
        _, height, width = masks.shape
        check_num_pixels(height, width)
        runs = tuple(encode_mask(np.ascontiguousarray(mask)) for mask in masks)
        return cls(frame_idxs, times_s, runs, scores, height, width)

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
                self.times_s[position],
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

    def by_frame(self) -> Iterator[FrameMasks]:
        """The object frame by frame, with the frame's index and time. Nothing is decoded."""
        return frame_masks((self,))

    def to_supervision(self) -> Mapping[int, supervision.Detections]:
        """The object as `supervision.Detections` by source index of the frame.

        See `Answer.to_supervision`, which has all objects of a frame together.
        """
        from ufvideo_sdk.results.supervision_detections import DetectionsByFrame

        return DetectionsByFrame(tuple(self.by_frame()))

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

    @cached_property
    def boxes(self) -> NDArray[np.int64]:
        """x1, y1, x2, y2 in pixels around each mask, int64 [F, 4], read-only.

        x2 and y2 are exclusive, so that `frame[y1:y2, x1:x2]` are the pixels of the box and `x2 -
        x1` is its width. A frame where the object has no pixel holds 0, 0, 0, 0, an empty box that
        no object has; `num_pixels > 0` says which frames have one.
        """
        boxes = boxes_of(self._extents)
        boxes.flags.writeable = False
        return boxes

    def __repr__(self) -> str:
        """Say the sizes, not the pixels."""
        empty = ", empty" if self.is_empty else ""
        frames = counted(len(self), "frame")
        return f"MaskTrack({frames}, {self.width} x {self.height} px{empty})"


def frame_masks(tracks: Sequence[MaskTrack]) -> Iterator[FrameMasks]:
    """The masks of several objects frame by frame.

    Args:
        tracks: A track for each object.

    Raises:
        InputError: When the tracks are not on the same frames.
    """
    for number, track in enumerate(tracks):
        if not np.array_equal(track.frame_idxs, tracks[0].frame_idxs):
            raise InputError(
                "expected tracks on the same frames, got others in tracks"
                f" 0 and {number}; iterate over one track at a time"
            )
    if not tracks:
        return iter(())
    first = tracks[0]
    frames = zip(first.frame_idxs.tolist(), first.times_s.tolist(), *tracks, strict=True)
    return (FrameMasks(frame_idx, time_s, tuple(masks)) for frame_idx, time_s, *masks in frames)


def segmented_idxs(tracks: Sequence[MaskTrack]) -> NDArray[np.int64]:
    """Source indices of all frames that any of several objects was looked for on.

    Args:
        tracks: A track for each object.

    Returns:
        int64 [F], ascending, each once.
    """
    return np.unique(np.concatenate([np.empty(0, np.int64), *(t.frame_idxs for t in tracks)]))


_Parts = tuple[
    NDArray[np.int64],
    NDArray[np.float64],
    tuple[str, ...],
    NDArray[np.float32],
    int,
    int,
]


def _remade(kind: type[MaskTrack], parts: _Parts) -> MaskTrack:
    """A track of the parts of one, whose arrays are its own."""
    for array in (parts[0], parts[1], parts[3]):
        array.flags.writeable = False
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


def _require(name: str, array: NDArray[Any], dtype: type[np.generic], ndim: int) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != ndim:
        came = (
            f"{array.dtype} {list(array.shape)}" if isinstance(array, np.ndarray) else repr(array)
        )
        raise InputError(
            f"expected {name} as {np.dtype(dtype)} with {ndim} dimension(s), got {came}"
        )
