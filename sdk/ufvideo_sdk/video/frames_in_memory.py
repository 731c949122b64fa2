"""Frames that the caller has in memory: arrays, tensors, Pillow images, and iterables of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.video.array_checks import as_frames_array
from ufvideo_sdk.video.images import frame_times
from ufvideo_sdk.video.pictures import check_image, rgb_of_image, upright_size

if TYPE_CHECKING:
    from PIL.Image import Image

Times = NDArray[np.float64] | float | None

NO_TIMES = "expected fps= or timestamps_s= with frames [T, H, W, 3], got neither"
PILLOW_IS_RGB = 'frames_format: expected "rgb" for Pillow images, which know their own channels'


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
        """Yield the frames of these indices, RGB, uint8 [H, W, 3].

        Raises:
            InputError: When a dataset cannot be read.
        """
        for idx in frame_idxs:
            frame = self._frame(int(idx))
            yield rgb_of_bgr(frame) if self._is_bgr else frame

    def _frame(self, idx: int) -> NDArray[np.uint8]:
        if isinstance(self._frames, np.ndarray):
            frame: NDArray[np.uint8] = self._frames[idx]
            return frame
        try:
            frame = np.asarray(self._frames[idx])
        except Exception as error:
            raise InputError(f"frames[{idx}]: expected a frame, got: {error}") from error
        if frame.dtype != np.uint8 or frame.shape != (self.height, self.width, 3):
            raise InputError(
                f"frames[{idx}]: expected uint8 {[self.height, self.width, 3]}, got {frame.dtype}"
                f" {list(frame.shape)}"
            )
        return frame


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
            check_size(_size(each), (self.height, self.width), i)
        self.timestamps_s = _checked_times(times, len(self._frames))

    def _check_images(self) -> None:
        images = [each for each in self._frames if is_pillow(each)]
        for i, each in enumerate(self._frames):
            if is_pillow(each):
                check_image(each, f"frames[{i}]", self._max_frame_pixels)
        if images and self._is_bgr:
            raise InputError(PILLOW_IS_RGB)
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
                check_size(pixels.shape[:2], (self.height, self.width), idx)
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
        raise InputError(NO_TIMES)
    return frame_times(times, num_frames, "frames")


def _size(frame: Any) -> tuple[int, int]:
    if is_pillow(frame):
        # Of a PNG without EXIF data in its head Pillow would load the pixels to find some behind.
        is_upright = frame.format == "PNG" and "exif" not in frame.info
        return (frame.height, frame.width) if is_upright else upright_size(frame)
    return int(frame.shape[0]), int(frame.shape[1])


def check_size(size: tuple[int, ...], first: tuple[int, ...], number: int) -> None:
    """Refuse a frame of another height and width than the first one has.

    Raises:
        InputError: Naming both.
    """
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
