"""Frames in files of pictures: one, a folder, a list; and the times of frames that have none."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.arguments import as_number, described
from ufvideo_sdk.validation.display_name import display_name
from ufvideo_sdk.validation.paths import reading_failed
from ufvideo_sdk.video.file_object import FileObject
from ufvideo_sdk.video.not_frames import check_is_frame_folder
from ufvideo_sdk.video.opened_file import OpenedFile, SourceFile
from ufvideo_sdk.video.pictures import FORMATS, picture_format, picture_size, read_picture
from ufvideo_sdk.video.video_container import DEFAULT_MAX_FRAME_PIXELS

# What the released code takes for a folder of frames (docs/model.md, part 3).
FOLDER_FPS = 3.0

_DATES_AND_SPANS = (datetime.date, datetime.timedelta, np.datetime64, np.timedelta64)
# A frame in a day, and more than any camera takes: files and drawings hold such times.
MIN_FPS, MAX_FPS = 1e-5, 1e6


class ImageFile:
    """One picture; EXIF orientation is applied, transparency is dropped."""

    is_image = True

    def __init__(
        self, source: Path | FileObject, max_frame_pixels: int = DEFAULT_MAX_FRAME_PIXELS
    ) -> None:
        """Decode the picture: its pixels alone say for sure how large it is.

        Args:
            source: The file.
            max_frame_pixels: Largest picture that is decoded, in pixels.

        Raises:
            InputError: When it cannot be read as one still picture, or is too large.
            CapacityError: When memory or file descriptors are exhausted.
        """
        self._as_opened: SourceFile = OpenedFile.of(source) if isinstance(source, Path) else source
        self._path = self._as_opened.path
        self._max_frame_pixels = max_frame_pixels
        self.name = display_name(self._path.name)
        self.files: tuple[Path, ...] = self._as_opened.files
        # For the first who asks; whoever wants it again reads the file again.
        self._decoded: list[NDArray[np.uint8]] = [self._read()]
        self.height, self.width = self._decoded[0].shape[:2]
        self.timestamps_s = np.zeros(1)

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield the picture, uint8 [H, W, 3], for index 0.

        Raises:
            InputError: When it cannot be read any more, or was changed since it was opened.
        """
        for _ in frame_idxs:
            try:
                frame = self._decoded.pop()
            except IndexError:
                frame = self._read()
            if frame.shape[:2] != (self.height, self.width):
                raise InputError(
                    f"{self._path}: expected {self.height} x {self.width} px as when it was opened,"
                    f" got {frame.shape[0]} x {frame.shape[1]} px"
                )
            yield frame

    def _read(self) -> NDArray[np.uint8]:
        with self._as_opened.unchanged():
            reader = self._as_opened.reader("a picture")
            return read_picture(self._path, self._max_frame_pixels, reader)


class FrameFiles:
    """Pictures of one size, each the file of one frame, in the order given."""

    is_image = False

    def __init__(
        self,
        name: str,
        paths: Sequence[Path],
        times: NDArray[np.float64] | float,
        max_frame_pixels: int = DEFAULT_MAX_FRAME_PIXELS,
    ) -> None:
        """Check every picture's size.

        Args:
            name: What the pictures are together, for messages and results.
            paths: The files, one or more.
            times: Seconds of each frame, float64 [n], or a rate in frames a second.
            max_frame_pixels: Largest picture that is decoded, in pixels.

        Raises:
            InputError: When one is no picture, or sizes or counts differ.
        """
        self._max_frame_pixels = max_frame_pixels
        self.name = display_name(name)
        self._paths = paths
        self.files: tuple[Path, ...] = tuple(entry.absolute() for entry in self._paths)
        self._as_opened = [OpenedFile.of(entry) for entry in self._paths]
        self.height, self.width = read_picture(self._paths[0], max_frame_pixels).shape[:2]
        for entry in self._paths[1:]:
            height, width = picture_size(entry, max_frame_pixels)
            if (height, width) != (self.height, self.width):
                raise InputError(
                    f"{self.name}: expected frames of one size, {self._paths[0].name} has"
                    f" {self.height} x {self.width} px and {entry.name} {height} x {width} px"
                )
        self.timestamps_s = frame_times(times, len(self._paths), self.name)

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield the pictures of these indices, uint8 [H, W, 3].

        Raises:
            InputError: When one cannot be read any more, or was changed since it was opened.
        """
        for idx in frame_idxs:
            with self._as_opened[idx].unchanged():
                frame = read_picture(self._paths[idx], self._max_frame_pixels)
            if frame.shape[:2] != (self.height, self.width):
                raise InputError(
                    f"{self._paths[idx]}: expected {self.height} x {self.width} px like the first"
                    f" frame, got {frame.shape[0]} x {frame.shape[1]} px"
                )
            yield frame


class FrameFolder(FrameFiles):
    """Pictures of one size in natural order of their names: frame_2 before frame_10."""

    def __init__(
        self,
        path: Path,
        timestamps_s: NDArray[np.float64] | float | None,
        max_frame_pixels: int = DEFAULT_MAX_FRAME_PIXELS,
    ) -> None:
        """List the folder and check every picture's size.

        Args:
            path: The folder. Hidden files are left out; anything else must be a picture, whatever
                its name.
            timestamps_s: Seconds of each frame, float64 [n], or a rate in frames a second; None:
                3 frames a second.
            max_frame_pixels: Largest picture that is decoded, in pixels.

        Raises:
            InputError: When the folder is empty, holds other files, or sizes or counts differ.
        """
        times = FOLDER_FPS if timestamps_s is None else timestamps_s
        super().__init__(path.name or str(path), _pictures_in(path), times, max_frame_pixels)


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
        return _seconds(timestamps_s)
    if fps is None:
        return None
    rate = as_number(fps)
    if rate is None or rate <= 0:
        raise InputError(f"fps: expected a finite number above 0, got {described(fps)}")
    if not MIN_FPS <= rate <= MAX_FPS:
        raise InputError(f"fps: expected a number from {MIN_FPS} to {MAX_FPS}, got {rate}")
    return rate


def _seconds(timestamps_s: Sequence[float] | NDArray[Any]) -> NDArray[np.float64]:
    try:
        given = np.asarray(timestamps_s)
        # NumPy would take dates and spans of time as counts of their unit, nanoseconds for example.
        if given.dtype.kind not in "mMO":
            return np.array(given, np.float64)
        if given.dtype.kind == "O" and not any(
            isinstance(each, _DATES_AND_SPANS) for each in given.flat
        ):
            return np.array(timestamps_s, np.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise InputError("timestamps_s: expected numbers in seconds, got others") from None
    raise InputError(
        "timestamps_s: expected numbers in seconds, got dates or spans of time: give"
        ' spans / numpy.timedelta64(1, "s"), and of dates (dates - dates[0]) first'
    )


def natural_key(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key under which numbers in a name count as numbers."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(0, int(p), "") if p[0] in "0123456789" else (1, 0, p) for p in parts], name


def _pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder in natural order of their names."""
    try:
        entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
        others = [entry.name for entry in entries if not entry.is_file()]
    except OSError as error:
        raise reading_failed(error, folder, "a folder of frames") from None
        if others:
            check_is_frame_folder(folder, entries)
    if not entries:
        raise InputError(f"{folder}: expected a folder of frames, found it empty")
    others += [e.name for e in entries if e.name not in others and picture_format(e) is None]
    if others:
        check_is_frame_folder(folder, entries)
        raise InputError(
            f"{folder}: expected only pictures ({', '.join(FORMATS)}), found {sorted(others)[0]}"
        )
    return sorted(entries, key=lambda entry: natural_key(entry.name))


def frame_times(
    given: NDArray[np.float64] | float, num_frames: int, name: str
) -> NDArray[np.float64]:
    """Seconds of each of some frames, float64 [n].

    Args:
        given: The same, or a rate in frames a second.
        num_frames: How many there are.
        name: What the frames are of, for messages.

    Raises:
        InputError: When there is another number of times, or they are not finite and increasing.
    """
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
