"""Decoded frames as upright RGB pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import CapacityError, InputError
from ufvideo_sdk.video.video_container import ffmpeg_error, reason

# Degrees that a turn may differ from a quarter, as FFmpeg's own players allow.
_TOLERANCE_DEGREES = 1.0


@dataclass(frozen=True)
class Turn:
    """How to make a stored picture upright: first the axes change places, then they are mirrored.

    Attributes:
        swaps_axes: Whether rows become columns.
        mirrors_x: Whether columns are then reversed.
        mirrors_y: Whether rows are then reversed.
    """

    swaps_axes: bool = False
    mirrors_x: bool = False
    mirrors_y: bool = False

    def applied(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The upright picture, uint8 [H, W, 3], C-contiguous."""
        if self.swaps_axes:
            rgb = rgb.transpose(1, 0, 2)
        if self.mirrors_x:
            rgb = rgb[:, ::-1]
        if self.mirrors_y:
            rgb = rgb[::-1]
        return np.ascontiguousarray(rgb)


def turn_of(frame: Any, path: Path) -> Turn:
    """Read the display matrix of a decoded frame: x' = a x + c y, y' = b x + d y.

    A scale is not applied: the size of the picture is that of its pixels. A matrix that maps every
    picture to nothing says nothing.

    Raises:
        InputError: When the matrix turns by an angle that is no multiple of 90 degrees.
    """
    values = _display_matrix(frame, path)
    if values is None:
        return Turn()
    a, b, c, d = values
    straight, crossed = math.hypot(a, d), math.hypot(b, c)
    if min(straight, crossed) > math.tan(math.radians(_TOLERANCE_DEGREES)) * max(straight, crossed):
        raise InputError(
            f"{path}: expected a rotation by a multiple of 90 degrees, its display matrix is"
            f" {list(values)}"
        )
    if crossed > straight:
        return Turn(swaps_axes=True, mirrors_x=c < 0, mirrors_y=b < 0)
    return Turn(mirrors_x=a < 0, mirrors_y=d < 0)


def pixel_aspect_of(stream: Any, frame: Any, turn: Turn) -> Fraction:
    """Width of an upright pixel divided by its height; 1 where the file does not say."""
    for holder in (stream, stream.codec_context):
        ratio = getattr(holder, "sample_aspect_ratio", None)
        if ratio is not None and ratio > 0:
            return 1 / Fraction(ratio) if turn.swaps_axes else Fraction(ratio)
    return Fraction(1)


class PictureMaker:
    """Turns the frames of one pass through a file into pictures; belongs to one thread.

    One converter is kept for all frames: each has threads of its own.
    """

    def __init__(self, path: Path, turn: Turn) -> None:
        from av.video.reformatter import VideoReformatter

        self._path = path
        self._turn = turn
        self._reformatter = VideoReformatter()

    def picture(self, frame: Any) -> NDArray[np.uint8]:
        """Convert a frame.

        Args:
            frame: PyAV's frame.

        Returns:
            RGB, uint8 [H, W, 3], upright.

        Raises:
            InputError: When FFmpeg cannot convert its pixels.
            CapacityError: When memory or threads run out.
        """
        try:
            converted: Any = self._reformatter.reformat(frame, format="rgb24")
            return self._turn.applied(converted.to_ndarray())
        except (MemoryError, BlockingIOError) as error:
            raise CapacityError(
                f"{self._path}: expected memory and threads to convert a frame of {frame.height} x"
                f" {frame.width} px: {reason(error)}"
            ) from None
        except (ffmpeg_error(), ValueError) as error:
            raise InputError(
                f"{self._path}: expected pixels that FFmpeg converts to RGB, got"
                f" {frame.format.name}: {reason(error)}"
            ) from None


def _display_matrix(frame: Any, path: Path) -> tuple[float, float, float, float] | None:
    from av.video.reformatter import VideoReformatter

    try:
        # PyAV's side_data and its frame refer to each other, so that the frame would live until
        # the garbage collector runs: let that be a copy of a few bytes.
        small: Any = VideoReformatter().reformat(frame, width=16, height=16, format="rgb24")
        matrices = [bytes(d) for d in small.side_data if d.type.name == "DISPLAYMATRIX"]
    except (MemoryError, BlockingIOError) as error:
        raise CapacityError(
            f"{path}: expected memory and threads to convert a frame: {reason(error)}"
        ) from None
    except (ffmpeg_error(), ValueError) as error:
        raise InputError(
            f"{path}: expected pixels that FFmpeg converts to RGB, got {frame.format.name}:"
            f" {reason(error)}"
        ) from None
    if not matrices:
        return None
    numbers = np.frombuffer(matrices[0], np.int32)[[0, 1, 3, 4]] / 65536
    a, b, c, d = (float(number) for number in numbers)
    # A matrix without an inverse, such as one of zeros, shows no picture anywhere.
    return None if a * d == b * c else (a, b, c, d)
