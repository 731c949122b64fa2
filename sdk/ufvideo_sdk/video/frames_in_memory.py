"""Frames that the caller has in memory: arrays, tensors, Pillow images, and iterables of them."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.cancellation import check_cancelled
from ufvideo_sdk.errors import CapacityError, InputError
from ufvideo_sdk.validation.paths import as_path
from ufvideo_sdk.video.array_checks import ArrayLike, as_frames_array, is_array_like
from ufvideo_sdk.video.frame_source import RecordedSource
from ufvideo_sdk.video.images import FrameFiles, frame_times
from ufvideo_sdk.video.not_frames import check_is_source
from ufvideo_sdk.video.pictures import rgb_of_image, upright_size

if TYPE_CHECKING:
    from PIL.Image import Image

# The free memory is looked at after as many bytes of frames.
_CHECK_BYTES = 64 << 20

Times = NDArray[np.float64] | float | None
Frame: TypeAlias = "ArrayLike | Image | str | os.PathLike[str]"
Frames: TypeAlias = "ArrayLike | Image | Iterable[Frame]"


class FrameArray:
    """Frames in one array of the caller; they are not copied and must not change meanwhile."""

    # No thread reads ahead.
    is_decoded = True

    def __init__(self, array: Any, timestamps_s: Times, *, is_bgr: bool = False) -> None:
        """Check the array.

        Args:
            array: uint8 [T, H, W, 3], or [H, W, 3] for an image; an array, a tensor on the CPU, or
                a dataset that is read frame by frame.
            timestamps_s: Seconds of each frame, float64 [T], or a rate in frames a second; None for
                an image only.
            is_bgr: Whether blue comes first, as in OpenCV.

        Raises:
            InputError: When device, dtype, shape or times are not so.
        """
        frames = as_frames_array(array, "frames")
        shape = tuple(int(size) for size in frames.shape)
        self.is_image = len(shape) == 3
        self.name = "image" if self.is_image else "frames"
        self.files: tuple[Path, ...] = ()
        self._frames: Any = [frames] if self.is_image else frames
        self._is_bgr = is_bgr
        self.height, self.width = shape[-3:-1]
        num_frames = None if self.is_image else shape[0]
        self.timestamps_s = _checked_times(timestamps_s, num_frames)

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield the frames of these indices, RGB, uint8 [H, W, 3]."""
        for idx in frame_idxs:
            frame: NDArray[np.uint8] = np.asarray(self._frames[idx])
            yield rgb_of_bgr(frame) if self._is_bgr else frame


class FrameList:
    """Frames of one size, each an array or a Pillow image of the caller, which are not copied."""

    is_decoded = True

    def __init__(
        self,
        frames: Sequence[Any],
        times: Times,
        *,
        is_bgr: bool = False,
        max_frame_pixels: int,
    ) -> None:
        """Check every frame; images that are not loaded yet stay so.

        Args:
            frames: Arrays or tensors, uint8 [H, W, 3], or Pillow images.
            times: Seconds of each frame, float64 [n], or a rate in frames a second.
            is_bgr: Whether blue comes first in arrays.
            max_frame_pixels: Largest image that is loaded, in pixels.

        Raises:
            InputError: When one is no frame, sizes differ, or times are missing.
        """
        self.is_image = False
        self.name = "frames"
        self.files: tuple[Path, ...] = ()
        self._is_bgr = is_bgr
        self._max_frame_pixels = max_frame_pixels
        self._frames = [
            each if is_pillow(each) else as_frames_array(each, f"frames[{i}]", is_one=True)
            for i, each in enumerate(frames)
        ]
        self._check_images()
        self.height, self.width = _size(self._frames[0])
        for i, each in enumerate(self._frames):
            _check_size(_size(each), (self.height, self.width), i)
        self.timestamps_s = _checked_times(times, len(self._frames))

    def _check_images(self) -> None:
        images = [each for each in self._frames if is_pillow(each)]
        if images and self._is_bgr:
            raise InputError(_PILLOW_IS_RGB)
        moving = [each for each in images if getattr(each, "is_animated", False)]
        if len(moving) > len({id(each) for each in moving}):
            raise InputError(
                "frames: expected images that differ, got one animated image several times, as"
                " PIL.ImageSequence yields it: [frame.copy() for frame in"
                " PIL.ImageSequence.Iterator(image)]"
            )

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield the frames of these indices, RGB, uint8 [H, W, 3].

        Raises:
            InputError: When an image cannot be loaded.
        """
        for idx in frame_idxs:
            each = self._frames[idx]
            if is_pillow(each):
                pixels = rgb_of_image(each, f"frames[{idx}]", self._max_frame_pixels)
                _check_size(pixels.shape[:2], (self.height, self.width), idx)
                yield pixels
            else:
                frame: NDArray[np.uint8] = np.asarray(each)
                yield rgb_of_bgr(frame) if self._is_bgr else frame


class PillowImage:
    """One Pillow image, without a time axis."""

    is_image = True
    is_decoded = True

    def __init__(self, image: Image, max_frame_pixels: int) -> None:
        """Load and convert it.

        Raises:
            InputError: When it has several frames, or cannot be loaded.
        """
        if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
            raise InputError(
                f"image: expected one with one frame, got an animated one of"
                f" {image.n_frames} frames: open its file, or give fps= with"  # type: ignore[attr-defined]
                " [frame.copy() for frame in PIL.ImageSequence.Iterator(image)]"
            )
        self.name = "image"
        self.files: tuple[Path, ...] = ()
        self._pixels = rgb_of_image(image, self.name, max_frame_pixels)
        self.height, self.width = self._pixels.shape[:2]
        self.timestamps_s = np.zeros(1)

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield the image, RGB, uint8 [H, W, 3], for index 0."""
        for _ in frame_idxs:
            yield self._pixels


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
            raise InputError(_PILLOW_IS_RGB)
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
        raise InputError(_NO_TIMES)
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
    return FrameList(frames, times, is_bgr=is_bgr, max_frame_pixels=max_frame_pixels)


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
        _check_is_frame(each, i)
        if is_pillow(each):
            if is_bgr:
                raise InputError(_PILLOW_IS_RGB)
            frame = rgb_of_image(each, f"frames[{i}]", max_frame_pixels)
        else:
            given = np.asarray(as_frames_array(each, f"frames[{i}]", is_one=True))
            frame = rgb_of_bgr(given) if is_bgr else given.copy()
        frames.append(frame)
        _check_size(frame.shape[:2], frames[0].shape[:2], i)
        num_unchecked += frame.nbytes
        if num_unchecked >= _CHECK_BYTES:
            num_unchecked = 0
            _check_memory(frames)
    if not frames:
        raise InputError("frames: expected one frame or more, the iterable yielded none")
    return FrameList(frames, times, max_frame_pixels=max_frame_pixels)


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


def _checked_times(times: Times, num_frames: int | None) -> NDArray[np.float64]:
    """Seconds of frames; num_frames is None for an image.

    Raises:
        InputError: When times are missing, or given for an image.
    """
    if num_frames is None:
        if times is not None:
            raise InputError("expected no fps and timestamps_s for an image [H, W, 3]")
        return np.zeros(1)
    if times is None:
        raise InputError(_NO_TIMES)
    return frame_times(times, num_frames, "frames")


def _size(frame: Any) -> tuple[int, int]:
    if is_pillow(frame):
        # Of a PNG without EXIF data in its head Pillow would load the pixels to find some behind.
        is_upright = frame.format == "PNG" and "exif" not in frame.info
        return (frame.height, frame.width) if is_upright else upright_size(frame)
    return int(frame.shape[0]), int(frame.shape[1])


def _check_size(size: tuple[int, ...], first: tuple[int, ...], number: int) -> None:
    if size != first:
        raise InputError(
            f"frames: expected one size, frames[0] has {first[0]} x {first[1]} px (height x width)"
            f" and frames[{number}] {size[0]} x {size[1]} px: resize them, or open parts of one"
            " size"
        )


def is_pillow(value: object) -> bool:
    """Whether a value is a Pillow image; Pillow is not imported for it."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(value, pillow.Image)


def rgb_of_bgr(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A frame with the first and the last channel swapped, uint8 [H, W, 3], a copy."""
    swapped = np.empty(frame.shape, np.uint8)
    for channel in range(3):
        swapped[..., channel] = frame[..., 2 - channel]
    return swapped


_NO_TIMES = "expected fps= or timestamps_s= with frames [T, H, W, 3], got neither"
_PILLOW_IS_RGB = 'frames_format: expected "rgb" for Pillow images, which know their own channels'
