"""Clips of events: packets as they came, and the same drawn on and encoded again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.atomic_file import NO_ROOM, draft_folder, replacing
from ufvideo_sdk.errors import CapacityError, InputError, UFVideoError
from ufvideo_sdk.render.h264_file import TICKS_PER_S, H264Writer
from ufvideo_sdk.validation.paths import shown
from ufvideo_sdk.watch.rules.sink_settings import ClipSettings
from ufvideo_sdk.watch.sinks.camera_painter import CameraPainter
from ufvideo_sdk.watch.sinks.delivery import Delivery, UndeliveredError
from ufvideo_sdk.watch.sinks.event_folder import event_stem, made_folder, remove_old
from ufvideo_sdk.watch.sinks.event_message import EventMessage
from ufvideo_sdk.watch.sinks.history import PastSeconds
from ufvideo_sdk.watch.sinks.overlay import Overlay
from ufvideo_sdk.watch.sinks.sink import CameraPictures, ClipPart, SinkStats

_MAX_WAITING = 16
_NUM_LINES = 5
# A picture that begins so much before the clip still belongs to it: times are rounded.
_ROUNDING_S = 0.001


@dataclass(frozen=True, eq=False)
class ClipJob:
    """A clip that is to be written.

    Attributes:
        message: The newest edge of the event.
        pictures: Pictures of the camera.
        start_s: When the clip begins.
        end_s: When it ends.
        past: What was known.
        overlay: What is drawn.
        done: Is called with the files that were written, and why one is missing.
    """

    message: EventMessage
    pictures: CameraPictures
    start_s: float
    end_s: float
    past: PastSeconds
    overlay: Overlay
    done: Callable[[tuple[Path, ...], str], None]


class Clips:
    """Writes clips in a thread of its own."""

    def __init__(self, settings: ClipSettings) -> None:
        """Make the folder.

        Args:
            settings: Where to, and what.

        Raises:
            InputError: When there can be no such folder.
        """
        self._settings = settings
        self._folder = made_folder(settings.folder, "clips")
        remove_old(self._folder, settings.keep)
        self._delivery: Delivery[ClipJob] = Delivery(
            "clips",
            self._write,
            max_waiting=_MAX_WAITING,
            on_dropped=lambda job: job.done((), "the clip was not written"),
            is_native=True,
        )

    @property
    def max_s(self) -> float:
        """A clip is cut so many seconds after its start."""
        return self._settings.max_s

    @property
    def stats(self) -> SinkStats:
        """Counts of clips so far."""
        return self._delivery.stats

    def put(self, job: ClipJob) -> None:
        """Write a clip, and then call `done`."""
        self._delivery.put(job)

    def close(self, timeout_s: float) -> None:
        """Write what waits within a time, and end the thread."""
        self._delivery.close(timeout_s)

    def _write(self, job: ClipJob, attempt: int) -> None:
        files: list[Path] = []
        try:
            if self._settings.plain:
                files += self._plain(job)
            if self._settings.annotated:
                files[:0] = self._annotated(job)
        except (UFVideoError, OSError, av.FFmpegError, UndeliveredError) as error:
            problem = str(error)
        else:
            problem = "" if files else "no picture of the event is held any more"
        remove_old(self._folder, self._settings.keep, files)
        if problem:
            job.done(tuple(files), problem)
            raise UndeliveredError(problem)
        job.done(tuple(files), "")

    def _plain(self, job: ClipJob) -> list[Path]:
        """The packets as they came; they begin with a picture that can be decoded alone."""
        stem = event_stem(job.message) + ("-plain" if self._settings.annotated else "")
        parts = job.pictures.write_clip(self._folder, stem, job.start_s, job.end_s)
        return [part.path for part in parts]

    def _annotated(self, job: ClipJob) -> list[Path]:
        files = []
        with draft_folder(self._folder) as folder:
            parts = job.pictures.write_clip(folder, "packets", job.start_s, job.end_s)
            for number, part in enumerate(parts, start=1):
                suffix = f"-{number}" if len(parts) > 1 else ""
                path = self._folder / f"{event_stem(job.message)}{suffix}.mp4"
                with replacing(path) as draft, _encoding(path):
                    if not self._annotate(part, draft, job):
                        raise InputError(f"{shown(path)}: expected pictures that can be decoded")
                files.append(path)
        return files

    def _annotate(self, part: ClipPart, path: Path, job: ClipJob) -> int:
        """Draw on the pictures of a part, and return how many there are between start and end."""
        painter: CameraPainter | None = None
        writer: H264Writer | None = None
        num_pictures = 0
        start_s, end_s = max(job.start_s, part.start_s), min(job.end_s, part.end_s)
        with ExitStack() as stack:
            for time_s, pixels in _pictures(part):
                if self._delivery.is_late:
                    raise UndeliveredError("the watch ended before the clip was written")
                if not job.start_s - _ROUNDING_S <= time_s <= job.end_s + _ROUNDING_S:
                    continue
                if painter is None or writer is None:
                    painter = _painter(pixels, start_s, end_s, job)
                    writer = stack.enter_context(_writer(path, painter))
                    first_s = time_s
                message = job.message
                drawing = job.overlay.of_event(job.past, time_s, message.event, message.started_at)
                picture = painter.paint(pixels, time_s, drawing)
                writer.write_at(picture, round((time_s - first_s) * TICKS_PER_S))
                num_pictures += 1
        return num_pictures


@contextmanager
def _encoding(path: Path) -> Iterator[None]:
    """Errors of FFmpeg as ours."""
    try:
        yield
    except av.FFmpegError as error:
        if error.errno in NO_ROOM:
            raise CapacityError(f"expected room for {shown(path)}, got: {error.strerror}") from None
        raise InputError(
            f"{shown(path)}: expected to draw on a clip, FFmpeg says: {error.strerror}"
        ) from None


def _painter(
    pixels: NDArray[np.uint8], start_s: float, end_s: float, job: ClipJob
) -> CameraPainter:
    event = job.message.event
    last_s = end_s if event.end_s is None else min(event.end_s, end_s)
    span = (start_s, max(end_s, start_s))
    event_span = (max(event.start_s, start_s), last_s)
    return CameraPainter(
        *pixels.shape[:2],
        num_lines=_NUM_LINES,
        span=span,
        # Of a part behind a gap the event may lie elsewhere.
        event_span=event_span if event_span[0] <= event_span[1] else None,
    )


def _writer(path: Path, painter: CameraPainter) -> H264Writer:
    # The index at the front: a browser plays the file while it loads.
    options = {"movflags": "+faststart"}
    writer = H264Writer(path, painter.height_px, painter.width_px, container_options=options)
    # Encoding takes its time, so that the model has the other cores.
    writer.codec.thread_count = 1
    return writer


def _pictures(part: ClipPart) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """The pictures of a part with their stream times; damaged ones are left out."""
    with closing(av.open(f"file:{part.path.absolute()}")) as container:
        stream = container.streams.video[0]
        base = stream.time_base or Fraction(1, TICKS_PER_S)
        begin = stream.start_time or 0
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.InvalidDataError:
                continue
            for frame in frames:
                if frame.pts is None:
                    continue
                time_s = part.start_s + float((frame.pts - begin) * base)
                yield time_s, frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
