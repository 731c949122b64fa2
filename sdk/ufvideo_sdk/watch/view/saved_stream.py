"""The annotated stream of a camera as a video file."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.atomic_file import check_target
from ufvideo_sdk.errors import InputError, UFVideoError
from ufvideo_sdk.render.h264_file import TICKS_PER_S, H264Writer
from ufvideo_sdk.validation.paths import as_path, shown
from ufvideo_sdk.watch.engine.facts import Ended, Fact, Frame
from ufvideo_sdk.watch.rules.rules import Rules
from ufvideo_sdk.watch.sinks.camera_painter import CameraPainter
from ufvideo_sdk.watch.sinks.delivery import Delivery, UndeliveredError
from ufvideo_sdk.watch.sinks.event_message import plain_names
from ufvideo_sdk.watch.sinks.history import History, PastSeconds
from ufvideo_sdk.watch.sinks.overlay import Overlay
from ufvideo_sdk.watch.sinks.sink import CameraPictures, SinkStats
from ufvideo_sdk.watch.sources.capture import CaptureNotice

# Frames of full size wait with each of them.
_MAX_WAITING = 8
_KEEP_S = 10.0
_NUM_LINES = 7
# Whole pieces one after the other: what a killed process leaves can be played.
_FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}
_KEY_FRAME_EVERY = 50


@dataclass(frozen=True, eq=False)
class _Picture:
    """A frame that is to be drawn on and encoded."""

    time_s: float
    pixels: NDArray[np.uint8]
    past: PastSeconds


class SavedStream:
    """Writes the frames that were taken, with what was known at each, into an `.mp4` (`Sink`).

    A frame is drawn when the next one comes, because what is tracked on it is told after it.
    Drawing and encoding have a thread of their own; frames for which there is no time are left out
    and counted.
    """

    def __init__(
        self, path: str | os.PathLike[str], pictures: CameraPictures, rules: Rules
    ) -> None:
        """Check where to write; an existing file is replaced when the first frame comes.

        Args:
            path: The file, `.mp4`.
            pictures: Pictures of the camera.
            rules: The rules of the camera.

        Raises:
            InputError: When the file cannot be written, or has another suffix.
        """
        self._path = as_path(path, "path")
        if self._path.suffix.lower() != ".mp4":
            raise InputError(
                f"save: expected a file name that ends in .mp4, got {shown(self._path)}"
            )
        check_target(self._path)
        self._pictures, self._overlay = pictures, Overlay(rules)
        self._history = History(_KEEP_S)
        self._newest: tuple[float, NDArray[np.uint8]] | None = None
        self._painter: CameraPainter | None = None
        self._writer: H264Writer | None = None
        self._first_s = 0.0
        self._is_broken = False
        self._end_problem = ""
        self._delivery: Delivery[_Picture] = Delivery(
            "save", self._write, max_waiting=_MAX_WAITING, is_native=True
        )

    @property
    def stats(self) -> SinkStats:
        """Counts of frames so far."""
        stats = self._delivery.stats
        return replace(stats, problem=self._end_problem) if self._end_problem else stats

    def take(self, fact: Fact) -> None:
        """Take a fact, in order."""
        if isinstance(fact, (Frame, Ended)):
            self._put_newest()
        self._history.take(fact)
        if isinstance(fact, Frame):
            pixels = self._pictures.frame(fact.frame_idx)
            self._newest = None if pixels is None else (fact.time_s, pixels)

    def notice(self, notice: CaptureNotice) -> None:
        """A notice is no part of a picture."""

    def close(self, timeout_s: float) -> None:
        """Write what waits within a time, and end the file."""
        self._put_newest()
        self._delivery.close(timeout_s)
        writer, self._writer = self._writer, None
        if writer is not None:
            self._ended(writer)

    def _put_newest(self) -> None:
        if self._newest is not None:
            time_s, pixels = self._newest
            self._newest = None
            self._delivery.put(_Picture(time_s, pixels, self._history.past(time_s, time_s)))

    def _write(self, item: _Picture, attempt: int) -> None:
        if self._is_broken:
            raise UndeliveredError(self._delivery.stats.problem)
        try:
            if self._painter is None or self._writer is None:
                self._open(item)
            assert self._painter is not None and self._writer is not None
            wall_s = self._pictures.wall_s(item.time_s)
            drawing = self._overlay.of_stream(item.past, item.time_s, wall_s)
            picture = self._painter.paint(item.pixels, item.time_s, drawing)
            self._writer.write_at(picture, round((item.time_s - self._first_s) * TICKS_PER_S))
        except (UFVideoError, OSError, av.FFmpegError) as error:
            self._is_broken = True
            raise UndeliveredError(_problem(self._path, error)) from None

    def _open(self, item: _Picture) -> None:
        height, width = item.pixels.shape[:2]
        self._painter = CameraPainter(height, width, num_lines=_NUM_LINES)
        size = (self._painter.height_px, self._painter.width_px)
        self._writer = H264Writer(self._path, *size, container_options=_FRAGMENTS)
        self._writer.codec.thread_count = 1
        self._writer.codec.gop_size = _KEY_FRAME_EVERY
        # In pieces there is no edit list, and frames out of order would begin the file later.
        self._writer.codec.max_b_frames = 0
        self._first_s = item.time_s

    def _ended(self, writer: H264Writer) -> None:
        try:
            writer.__exit__(None, None, None)
        except (UFVideoError, OSError, av.FFmpegError) as error:
            # A full disk: what was written before can be played.
            self._end_problem = _problem(self._path, error)


def saved_path(path: Path, camera: str, num_cameras: int) -> Path:
    """Return the file of one of several cameras: with its name before the suffix.

    Args:
        path: The file that was named for all of them.
        camera: Name of the camera.
        num_cameras: How many there are; of one camera the file is `path` itself.
    """
    if num_cameras == 1:
        return path
    return path.with_name(f"{path.stem}-{plain_names([camera])[camera]}{path.suffix}")


def _problem(path: Path, error: Exception) -> str:
    if isinstance(error, av.FFmpegError):
        return f"{shown(path)}: expected to write a frame, got: {error.strerror}"
    return str(error)
