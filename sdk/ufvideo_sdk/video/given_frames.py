"""From what a caller gives in place of a path to a source of frames in memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.cancellation import check_cancelled
from ufvideo_sdk.errors import CapacityError, InputError
from ufvideo_sdk.validation.paths import as_path
from ufvideo_sdk.video.array_checks import ArrayLike, as_frames_array, is_array_like
from ufvideo_sdk.video.frame_source import RecordedSource
from ufvideo_sdk.video.frames_in_memory import (
    NO_TIMES,
    PILLOW_IS_RGB,
    FrameArray,
    FrameList,
    PillowImage,
    Times,
    check_size,
    is_pillow,
    rgb_of_bgr,
)
from ufvideo_sdk.video.images import FrameFiles
from ufvideo_sdk.video.not_frames import check_is_source
from ufvideo_sdk.video.pictures import rgb_of_image

if TYPE_CHECKING:
    from PIL.Image import Image

# The free memory is looked at after as many bytes of frames.
_CHECK_BYTES = 64 << 20

Frame: TypeAlias = "ArrayLike | Image | str | os.PathLike[str]"
Frames: TypeAlias = "ArrayLike | Image | Iterable[Frame]"


def given_frames(
    source: Any, times: Times, *, is_bgr: bool, max_frame_pixels: int
) -> RecordedSource:
    """The frames that a caller gives in place of a path.

    Args:
        source: An array or a tensor, uint8 [T, H, W, 3] or [H, W, 3]; a Pillow image; or an
            iterable of arrays [H, W, 3], Pillow images or paths of pictures. Frames of a list,
            tuple or deque are not copied; those of another iterable are, as it yields them.
        times: Seconds of each frame, float64 [n], or a rate in frames a second.
        is_bgr: Whether blue comes first in arrays.
        max_frame_pixels: Largest image that is decoded, in pixels.

    Raises:
        InputError: When it is none of these, saying what to do.
        CapacityError: When the frames of an iterable do not fit into the free memory.
    """
    check_is_source(source)
    if is_pillow(source):
        if is_bgr:
            raise InputError(PILLOW_IS_RGB)
        if times is not None:
            raise InputError("expected no fps and timestamps_s for an image")
        return PillowImage(source, max_frame_pixels)
    if is_array_like(source):
        return FrameArray(source, times, is_bgr=is_bgr)
    if isinstance(source, (Mapping, Set)) or not isinstance(source, Iterable):
        raise InputError(
            "source: expected a path, a binary file, an array uint8 [T, H, W, 3], an image or a"
            f" list of frames, got {type(source).__name__}"
        )
    if times is None:
        raise InputError(NO_TIMES)
    if not isinstance(source, (list, tuple, deque)):
        return _copied(source, times, is_bgr=is_bgr, max_frame_pixels=max_frame_pixels)
    frames = list(source)
    if not frames:
        raise InputError("frames: expected one frame or more, got an empty list")
    if all(isinstance(each, (str, os.PathLike)) for each in frames):
        if is_bgr:
            raise InputError('frames_format: expected "rgb" for files, which say their own order')
        paths = [as_path(each, f"frames[{i}]") for i, each in enumerate(frames)]
        return FrameFiles("frames", paths, times, max_frame_pixels)
    for i, each in enumerate(frames):
        _check_is_frame(each, i)
    listed = FrameList(frames, times, is_bgr=is_bgr, max_frame_pixels=max_frame_pixels)
    _check_are_several(frames)
    return listed


def _check_are_several(frames: Sequence[Any]) -> None:
    """Refuse one array in place of many: what a camera wrote into it last would be all frames.

    Raises:
        InputError: When the frames are one array, several times.
    """
    first = frames[0]
    if len(frames) > 1 and not is_pillow(first) and all(each is first for each in frames):
        raise InputError(
            f"frames: expected arrays that differ, got one array {len(frames)} times, as a buffer"
            " that is filled anew for each frame: append frame.copy()"
        )


def _copied(
    items: Iterable[Any], times: NDArray[np.float64] | float, *, is_bgr: bool, max_frame_pixels: int
) -> FrameList:
    """The frames of an iterable, copied: it may use the memory of one for the next."""
    frames: list[NDArray[np.uint8]] = []
    num_unchecked = 0
    for i, each in enumerate(items):
        check_cancelled()
        if isinstance(times, np.ndarray) and i == len(times):
            raise InputError(f"frames: expected {i}, one for each of timestamps_s, got more")
        if isinstance(each, (str, os.PathLike)):
            raise InputError(
                f"frames[{i}]: expected paths in a list, in the order in which they are shown, got"
                " one of another iterable: give sorted(...) of it"
            )
        _check_is_frame(each, i)
        frame = _copy(each, f"frames[{i}]", is_bgr=is_bgr, max_frame_pixels=max_frame_pixels)
        frames.append(frame)
        check_size(frame.shape[:2], frames[0].shape[:2], i)
        num_unchecked += frame.nbytes
        if num_unchecked >= _CHECK_BYTES:
            num_unchecked = 0
            _check_memory(frames)
    if not frames:
        raise InputError("frames: expected one frame or more, the iterable yielded none")
    return FrameList(frames, times, max_frame_pixels=max_frame_pixels)


def _copy(frame: Any, where: str, *, is_bgr: bool, max_frame_pixels: int) -> NDArray[np.uint8]:
    if is_pillow(frame):
        if is_bgr:
            raise InputError(PILLOW_IS_RGB)
        return rgb_of_image(frame, where, max_frame_pixels)
    given: NDArray[np.uint8] = np.asarray(as_frames_array(frame, where, is_one=True))
    try:
        return rgb_of_bgr(given) if is_bgr else given.copy()
    except MemoryError:
        raise CapacityError(f"{where}: expected memory for {given.nbytes:,} bytes") from None


def _check_memory(frames: Sequence[NDArray[np.uint8]]) -> None:
    free = _native.available_memory_bytes()
    if free is not None and free < 2 * _CHECK_BYTES + frames[0].nbytes:
        num_bytes = len(frames) * frames[0].nbytes
        raise CapacityError(
            f"frames: expected memory for all frames of an iterable, the first {len(frames)} take"
            f" {num_bytes:,} bytes, {free:,} are free: give fewer or smaller ones, or a file"
        )


def _check_is_frame(value: object, number: int) -> None:
    where = f"frames[{number}]"
    if isinstance(value, (str, os.PathLike)):
        raise InputError(f"{where}: expected all frames as paths or none, got a path beside others")
    check_is_source(value, where)
    if not is_pillow(value) and not is_array_like(value):
        raise InputError(
            f"{where}: expected an array uint8 [H, W, 3] or a Pillow image, got"
            f" {type(value).__name__}"
        )
