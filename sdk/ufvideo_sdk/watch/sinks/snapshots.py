"""Frames that are evidence of an event, as JPEG files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.atomic_file import replacing
from ufvideo_sdk.errors import InputError, UFVideoError
from ufvideo_sdk.watch.rules.sink_settings import SnapshotSettings
from ufvideo_sdk.watch.sinks.camera_painter import CameraPainter
from ufvideo_sdk.watch.sinks.delivery import Delivery, UndeliveredError
from ufvideo_sdk.watch.sinks.event_folder import event_stem, made_folder, remove_old
from ufvideo_sdk.watch.sinks.event_message import EventMessage
from ufvideo_sdk.watch.sinks.history import PastSeconds
from ufvideo_sdk.watch.sinks.overlay import Overlay
from ufvideo_sdk.watch.sinks.sink import CameraPictures, SinkStats

# Frames of full size wait with each of them.
_MAX_WAITING = 8
_NUM_LINES = 5
_QUALITY = 90


@dataclass(frozen=True, eq=False)
class EvidenceFrame:
    """A frame that is evidence.

    Attributes:
        frame_idx: Its number.
        time_s: Its time.
        pixels: RGB, uint8 [H, W, 3].
    """

    frame_idx: int
    time_s: float
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class SnapshotJob:
    """Snapshots that are to be written.

    Attributes:
        message: The edge of the event.
        frames: The frames.
        past: What was known.
        overlay: What is drawn.
        done: Is called with the files that were written, and why one is missing.
    """

    message: EventMessage
    frames: tuple[EvidenceFrame, ...]
    past: PastSeconds
    overlay: Overlay
    done: Callable[[tuple[Path, ...], str], None]


class Snapshots:
    """Writes snapshots in a thread of its own."""

    def __init__(self, settings: SnapshotSettings) -> None:
        """Make the folder.

        Args:
            settings: Where to, and how many.

        Raises:
            InputError: When there can be no such folder.
        """
        self._settings = settings
        self._folder = made_folder(settings.folder, "snapshots")
        remove_old(self._folder, settings.keep)
        self._delivery: Delivery[SnapshotJob] = Delivery(
            "snapshots",
            self._write,
            max_waiting=_MAX_WAITING,
            on_dropped=lambda job: job.done((), "snapshots were not written"),
            is_native=True,
        )

    @property
    def stats(self) -> SinkStats:
        """Counts of edges of events so far."""
        return self._delivery.stats

    def frames(
        self, frame_idxs: Sequence[int], pictures: CameraPictures, times_s: Callable[[int], float]
    ) -> tuple[EvidenceFrame, ...]:
        """Return the frames that are still held, at most `max_frames` of them.

        Args:
            frame_idxs: Their numbers, ascending.
            pictures: Pictures of the camera.
            times_s: The time of a frame.
        """
        found = []
        for frame_idx in _spread(frame_idxs, self._settings.max_frames):
            pixels = pictures.frame(frame_idx)
            if pixels is not None:
                found.append(EvidenceFrame(frame_idx, times_s(frame_idx), pixels))
        return tuple(found)

    def put(self, job: SnapshotJob) -> None:
        """Write snapshots, and then call `done`."""
        self._delivery.put(job)

    def close(self, timeout_s: float) -> None:
        """Write what waits within a time, and end the thread."""
        self._delivery.close(timeout_s)

    def _write(self, job: SnapshotJob, attempt: int) -> None:
        stem = f"{event_stem(job.message)}-{job.message.event.edge}"
        files: list[Path] = []
        problem = ""
        for frame in job.frames:
            path = self._folder / f"{stem}-{frame.frame_idx}.jpg"
            try:
                with replacing(path) as draft:
                    draft.write_bytes(_jpeg(self._picture(job, frame)))
                files.append(path)
            except (UFVideoError, OSError) as error:
                problem = str(error)
        remove_old(self._folder, self._settings.keep, files)
        job.done(tuple(files), problem)
        if problem:
            raise UndeliveredError(problem)

    def _picture(self, job: SnapshotJob, frame: EvidenceFrame) -> NDArray[np.uint8]:
        if not self._settings.annotated:
            return frame.pixels
        height, width = frame.pixels.shape[:2]
        painter = CameraPainter(height, width, num_lines=_NUM_LINES)
        event, started_at = job.message.event, job.message.started_at
        drawing = job.overlay.of_event(job.past, frame.time_s, event, started_at)
        return painter.paint(frame.pixels, frame.time_s, drawing)


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise InputError(f"expected a picture that JPEG can hold, got {list(picture.shape)}")
    return data.tobytes()


def _spread(frame_idxs: Sequence[int], most: int) -> list[int]:
    """The first, the last, and others evenly between them."""
    if len(frame_idxs) <= most:
        return list(frame_idxs)
    if most == 1:
        return [frame_idxs[-1]]
    step = (len(frame_idxs) - 1) / (most - 1)
    return [frame_idxs[round(i * step)] for i in range(most)]
