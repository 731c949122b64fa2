"""Where frames come from, and what size a range of them has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.arguments import described


class FrameTimes(Protocol):
    """Presentation times of the frames that a source knows of; an array has them all."""

    def __getitem__(self, frame_idxs: NDArray[np.int64], /) -> NDArray[np.float64]:
        """Times in seconds of frames by index, float64 [F]."""


def time_of_frame(times: FrameTimes, frame_idx: int) -> float:
    """Presentation time of one frame in seconds."""
    return float(times[np.array([frame_idx])][0])


class FrameSource(Protocol):
    """Where frames come from: a video file, an image, a folder, an array, a stream.

    A source may also have `is_decoded` (whether its frames are in memory as they are, so that no
    thread reads ahead), `pixel_aspect` (a Fraction, width of a pixel divided by its height),
    `damage` (a tuple of sentences that say what is lost), `frame_size(frame_idx)` (height and width
    of a frame, where frames may differ in size) and `lost_frames()` (the frozenset of indices of
    frames that are damaged, where `frames` may raise a DamagedFramesError).

    Attributes:
        name: File name, or what stands for it, for messages and results.
        height: Height of the first frame in pixels.
        width: Width of the first frame in pixels.
        is_image: Whether it is one picture without a time axis.
        timestamps_s: Presentation times in seconds by frame index, never decreasing. Two frames
            share a time if the file rounds times. A stream need not know those of frames to come.
        files: Absolute paths of the files that are read; empty for an array or a file object.
    """

    name: str
    height: int
    width: int
    is_image: bool
    files: tuple[Path, ...]

    @property
    def timestamps_s(self) -> FrameTimes:
        """See the class."""

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield RGB frames one by one, uint8 [H, W, 3].

        Args:
            frame_idxs: Indices of the source, strictly increasing.

        Raises:
            InputError: When a frame cannot be read.
        """


class RecordedSource(FrameSource, Protocol):
    """A source whose frames are all there: it knows the times of all of them, float64 [n]."""

    @property
    def timestamps_s(self) -> NDArray[np.float64]:
        """See the class."""


def check_is_opened(source: object) -> None:
    """Refuse what is no source, such as a path.

    Raises:
        InputError: When it is none.
    """
    if not hasattr(source, "frames") or not hasattr(source, "timestamps_s"):
        raise InputError(
            f"source: expected one that is open, got {described(source)}: UFVideo.open(source).clip"
            " is its clip"
        )


def range_size(source: FrameSource, frame_idxs: NDArray[np.int64]) -> tuple[int, int]:
    """Height and width of frames of a source, by the first and the last of them.

    Raises:
        InputError: When the two differ, with the time of the change; or one cannot be read.
    """
    size_of = getattr(source, "frame_size", None)
    if size_of is None:
        return source.height, source.width
    first, last = int(frame_idxs[0]), int(frame_idxs[-1])
    size: tuple[int, int] = (source.height, source.width) if first == 0 else size_of(first)
    if size_of(last) != size:
        raise size_change(source, first, last)
    return size


def _size_at(source: FrameSource, idx: int) -> tuple[int, int]:
    height, width = next(iter(source.frames([idx]))).shape[:2]
    return height, width


def size_change(source: FrameSource, first: int, last: int) -> InputError:
    """The error for two frames of different sizes.

    Args:
        source: What the frames are of.
        first: Index of a frame.
        last: Index of a later frame, whose size is another one.

    Returns:
        An error with the time of the change between them.
    """
    size = _size_at(source, first)
    while last - first > 1:
        middle = (first + last) // 2
        if _size_at(source, middle) == size:
            first = middle
        else:
            last = middle
    after = _size_at(source, last)
    time_s = time_of_frame(source.timestamps_s, last)
    return InputError(
        f"{source.name}: expected frames of {size[0]} x {size[1]} px throughout, from"
        f" {time_s:.3f} s on (frame {last}) they have {after[0]} x {after[1]} px: look at a part"
        f" that has one size, before or from {time_s:.3f} s"
    )
