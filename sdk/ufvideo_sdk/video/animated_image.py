"""Animated pictures: frames and times of a WebP, PNG or AVIF file, which Pillow reads."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.cancellation import check_cancelled
from ufvideo_sdk.errors import CapacityError, InputError
from ufvideo_sdk.validation.display_name import display_name
from ufvideo_sdk.video.file_object import FileObject
from ufvideo_sdk.video.opened_file import OpenedFile, SourceFile
from ufvideo_sdk.video.video_container import check_frame_size

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS = ("WEBP", "PNG", "AVIF")
# What Pillow and its decoders raise for damaged files.
_DAMAGE = (OSError, ValueError, SyntaxError, EOFError, RuntimeError, IndexError, KeyError)


class AnimatedImage:
    """An animated picture as a video: every frame is shown for the time the file says."""

    is_image = False
    pixel_aspect = Fraction(1)
    damage: tuple[str, ...] = ()

    def __init__(self, source: Path | FileObject, max_frame_pixels: int) -> None:
        """List the frames and their times, which decodes each frame once.

        Args:
            source: The file.
            max_frame_pixels: Largest frame that is decoded, in pixels.

        Raises:
            InputError: When it cannot be read as an animated picture, or is too large.
        """
        self._as_opened: SourceFile = OpenedFile.of(source) if isinstance(source, Path) else source
        self._path = path = self._as_opened.path
        self._max_frame_pixels = max_frame_pixels
        self.files: tuple[Path, ...] = self._as_opened.files
        self.name = display_name(path.name)
        starts_ms, at_ms = [], 0.0
        with self._as_opened.unchanged(), self._opened() as image:
            self.height, self.width = image.size[1], image.size[0]
            for number in self._numbers(image):
                self._show(image, number)
                starts_ms.append(at_ms)
                duration_ms = float(image.info.get("duration", 0))
                if not math.isfinite(duration_ms) or duration_ms < 0:
                    raise InputError(
                        f"{path}: expected durations of 0 ms or more, frame {number} has"
                        f" {duration_ms}"
                    )
                at_ms += duration_ms
        self.timestamps_s: NDArray[np.float64] = np.array(starts_ms, np.float64) / 1000

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield the frames of these indices, uint8 [H, W, 3]; transparency is dropped.

        Raises:
            InputError: Naming the file and the frame that cannot be read, or when the file was
                changed since it was opened.
        """
        with self._as_opened.unchanged(), self._opened() as image:
            numbers = self._numbers(image)
            for idx in frame_idxs:
                self._show(image, numbers[idx])
                yield np.array(image.convert("RGB"), np.uint8)

    def _numbers(self, image: Image) -> range:
        # A PNG may begin with a picture for programs that know no animation.
        first = 1 if getattr(image, "default_image", False) else 0
        return range(first, getattr(image, "n_frames", 1))

    def _show(self, image: Image, number: int) -> None:
        check_cancelled()
        try:
            image.seek(number)
            image.load()
        except MemoryError:
            raise CapacityError(
                f"{self._path}: expected memory for a frame of {self.height} x {self.width} px"
            ) from None
        except _DAMAGE as error:
            raise InputError(
                f"{self._path}: expected whole frames, frame {number} cannot be read: {error}"
            ) from None

    @contextmanager
    def _opened(self) -> Iterator[Image]:
        with self._as_opened.reader("an animated picture") as file, self._image(file) as image:
            yield image

    def _image(self, file: BinaryIO) -> Image:
        from PIL import Image

        try:
            with warnings.catch_warnings():
                # The limit on pixels is ours.
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                image = Image.open(file, formats=_FORMATS)
        except Image.DecompressionBombError as error:
            raise InputError(f"{self._path}: expected a smaller picture: {error}") from None
        except _DAMAGE as error:
            raise InputError(
                f"{self._path}: expected an animated picture that Pillow reads: {error}"
            ) from None
        try:
            check_frame_size(self._path, image.size[1], image.size[0], self._max_frame_pixels)
        except InputError:
            image.close()
            raise
        return image
