"""Frames that are no video file: an image, a folder of frames, an array."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
# What the released code takes for a folder of frames (docs/model.md, part 3).
FOLDER_FPS = 3.0
# Modes of 8 bits a channel or fewer, which become RGB without a choice of range.
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
_ORIENTATION_TAG = 0x0112


class ImageFile:
    """One picture; EXIF orientation is applied, transparency is dropped."""

    is_image = True

    def __init__(self, path: Path) -> None:
        """Read the picture's size.

        Raises:
            InputError: When it cannot be read as one still picture.
        """
        self._path = path
        self.name = path.name
        self.height, self.width = _size_of(path)
        self.timestamps_s = np.zeros(1)

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield the picture, uint8 [H, W, 3], for index 0."""
        for _ in frame_idxs:
            yield read_image(self._path)


class FrameFolder:
    """Pictures of one size in natural order of their names: frame_2 before frame_10."""

    is_image = False

    def __init__(self, path: Path, timestamps_s: NDArray[np.float64] | float | None) -> None:
        """List the folder and check every picture's size.

        Args:
            path: The folder. Hidden files are left out; anything else must be a picture.
            timestamps_s: Seconds of each frame, float64 [n], or a rate in frames a second; None:
                3 frames a second.

        Raises:
            InputError: When the folder is empty, holds other files, or sizes or counts differ.
        """
        self.name = path.name or str(path)
        entries = [entry for entry in path.iterdir() if not entry.name.startswith(".")]
        self._paths = sorted(entries, key=lambda entry: natural_key(entry.name))
        if not self._paths:
            raise InputError(f"{path}: expected a folder of frames, found it empty")
        for entry in self._paths:
            if not entry.is_file() or entry.suffix.lower() not in IMAGE_SUFFIXES:
                raise InputError(
                    f"{path}: expected only pictures ({' '.join(IMAGE_SUFFIXES)}), found"
                    f" {entry.name}"
                )
        self.height, self.width = _size_of(self._paths[0])
        # Stored sizes tell without decoding every picture; one that is turned otherwise than the
        # first is refused when it is read.
        first = _stored_size(self._paths[0])
        for entry in self._paths[1:]:
            if (size := _stored_size(entry)) != first:
                raise InputError(
                    f"{path}: expected frames of one size, {self._paths[0].name} has"
                    f" {first[0]} x {first[1]} px and {entry.name} {size[0]} x {size[1]} px"
                )
        given = FOLDER_FPS if timestamps_s is None else timestamps_s
        self.timestamps_s = _times(given, len(self._paths), self.name)

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield the pictures of these indices, uint8 [H, W, 3]."""
        for idx in frame_idxs:
            frame = read_image(self._paths[idx])
            if frame.shape[:2] != (self.height, self.width):
                raise InputError(
                    f"{self._paths[idx]}: expected {self.height} x {self.width} px like the first"
                    f" frame, got {frame.shape[0]} x {frame.shape[1]} px"
                )
            yield frame


class FrameArray:
    """Frames that the caller holds; they are not copied and must not change meanwhile."""

    def __init__(
        self, array: NDArray[Any], timestamps_s: NDArray[np.float64] | float | None
    ) -> None:
        """Check the array.

        Args:
            array: RGB, uint8 [T, H, W, 3], or [H, W, 3] for an image.
            timestamps_s: Seconds of each frame, float64 [T], or a rate in frames a second; None
                for an image only.

        Raises:
            InputError: When dtype, shape or times are not so.
        """
        if array.dtype != np.uint8 or array.ndim not in (3, 4) or array.shape[-1] != 3:
            raise InputError(
                "expected frames uint8 [T, H, W, 3] or an image uint8 [H, W, 3], got"
                f" {array.dtype} {list(array.shape)}"
            )
        if 0 in array.shape:
            raise InputError(f"expected frames with pixels, got {list(array.shape)}")
        self.is_image = array.ndim == 3
        self.name = "image" if self.is_image else "frames"
        self._frames: NDArray[np.uint8] = array[None] if self.is_image else array
        self.height, self.width = self._frames.shape[1:3]
        if self.is_image:
            if timestamps_s is not None:
                raise InputError("expected no fps and timestamps_s for an image [H, W, 3]")
            self.timestamps_s = np.zeros(1)
            return
        if timestamps_s is None:
            raise InputError("expected fps= or timestamps_s= with frames [T, H, W, 3], got neither")
        self.timestamps_s = _times(timestamps_s, len(array), self.name)

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield the frames of these indices, uint8 [H, W, 3]."""
        for idx in frame_idxs:
            yield self._frames[idx]


def given_times(
    fps: float | None, timestamps_s: Sequence[float] | NDArray[Any] | None
) -> NDArray[np.float64] | float | None:
    """The caller's rate or times, at most one of which may be given.

    Raises:
        InputError: When both are given, or one is no number.
    """
    if fps is not None and timestamps_s is not None:
        raise InputError("expected fps= or timestamps_s=, got both")
    if timestamps_s is not None:
        try:
            return np.array(timestamps_s, np.float64)
        except (TypeError, ValueError):
            raise InputError("timestamps_s: expected numbers in seconds, got others") from None
    if fps is None:
        return None
    is_number = isinstance(fps, (int, float)) and not isinstance(fps, bool)
    if not is_number or not math.isfinite(fps) or fps <= 0:
        raise InputError(f"fps: expected a finite number above 0, got {fps!r}")
    return float(fps)


def natural_key(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key under which numbers in a name count as numbers."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(0, int(p), "") if p[0] in "0123456789" else (1, 0, p) for p in parts], name


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read one still picture as RGB, uint8 [H, W, 3], EXIF orientation applied.

    Raises:
        InputError: When it cannot be read, is animated, or has more than 8 bits a channel.
    """
    from PIL import ImageOps

    with _opened(path) as image:
        try:
            upright = ImageOps.exif_transpose(image)
            return np.array(upright.convert("RGB"), np.uint8)
        except (OSError, ValueError, SyntaxError) as error:
            raise InputError(f"{path}: expected a whole picture, reading failed: {error}") from None


def _size_of(path: Path) -> tuple[int, int]:
    """Height and width after EXIF orientation."""
    with _opened(path) as image:
        width, height = image.size
        try:
            orientation = image.getexif().get(_ORIENTATION_TAG, 1)
        # A PNG may carry its EXIF data behind the pixels, which are decoded on the way.
        except (OSError, ValueError, SyntaxError) as error:
            raise InputError(f"{path}: expected a whole picture, reading failed: {error}") from None
        # Orientations 5 to 8 swap the axes.
        return (width, height) if orientation > 4 else (height, width)


def _stored_size(path: Path) -> tuple[int, int]:
    with _opened(path) as image:
        return image.size[1], image.size[0]


def _opened(path: Path) -> Image:
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # A picture beyond Pillow's limit is refused, not announced.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(path)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: expected a smaller picture: {error}") from None
    except UnidentifiedImageError:
        raise InputError(f"{path}: expected a picture, its content is none") from None
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{path}: expected a readable picture: {error}") from None
    problem = ""
    if getattr(image, "n_frames", 1) != 1:
        problem = f"expected one still picture, found {getattr(image, 'n_frames', 1)} frames"
    elif image.mode not in _MODES:
        problem = f"expected at most 8 bits a channel, found mode {image.mode}"
    if problem:
        image.close()
        raise InputError(f"{path}: {problem}")
    return image


def _times(given: NDArray[np.float64] | float, num_frames: int, name: str) -> NDArray[np.float64]:
    if isinstance(given, float):
        return np.arange(num_frames) / given
    if given.shape != (num_frames,):
        raise InputError(
            f"{name}: expected {num_frames} timestamps_s, one for each frame, got"
            f" {list(given.shape)}"
        )
    if not np.isfinite(given).all():
        raise InputError(f"{name}: expected finite timestamps_s, got NaN or infinity")
    backward = np.flatnonzero(np.diff(given) <= 0)
    if backward.size:
        at = int(backward[0])
        raise InputError(
            f"{name}: expected strictly increasing timestamps_s, got {given[at]} then"
            f" {given[at + 1]} at index {at + 1}"
        )
    return given
