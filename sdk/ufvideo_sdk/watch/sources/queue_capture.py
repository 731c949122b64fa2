"""A capture whose frames come from a thread, through a queue."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import CapacityError, InputError
from ufvideo_sdk.video.frame_picture import PictureMaker, Turn, turn_of
from ufvideo_sdk.watch.sources.capture import CaptureItem, CaptureStats, TakenFrame
from ufvideo_sdk.watch.sources.item_queue import ItemQueue, WaitingFrame


class Reader(Protocol):
    """What fills the queue, in threads of its own."""

    def start(self) -> None:
        """Begin to read."""

    def stop(self) -> None:
        """Stop reading, and wait until the threads have ended."""


class QueueCapture:
    """Hands out what a reader has put in a queue; one thread at a time takes."""

    def __init__(self, name: str, queue: ItemQueue, reader: Reader) -> None:
        """Start the reader.

        Args:
            name: The source without credentials.
            queue: What the reader fills.
            reader: Not yet started.
        """
        self._name = name
        self._queue = queue
        self._reader = reader
        self._maker: tuple[Turn, PictureMaker] | None = None
        reader.start()

    @property
    def name(self) -> str:
        """The source without credentials, for messages and files."""
        return self._name

    @property
    def stats(self) -> CaptureStats:
        """Counts so far, from any thread."""
        return self._queue.stats

    def take(self, timeout_s: float) -> CaptureItem | None:
        """Return what comes next, in order; None if nothing came in time.

        Args:
            timeout_s: Longest wait.

        Raises:
            CapacityError: When memory for a frame's pixels runs out.
        """
        while True:
            item = self._queue.take(timeout_s)
            if not isinstance(item, WaitingFrame):
                return item
            try:
                pixels = self._pixels(item.picture)
            except InputError:
                self._queue.count_dropped("damaged")
                continue
            except CapacityError:
                self._queue.count_dropped("memory")
                raise
            self._queue.count_taken()
            return TakenFrame(item.time_s, item.wall_s, item.clock, pixels, item.section, item.pts)

    def close(self) -> None:
        """Stop reading, and wait until the thread has ended."""
        self._queue.close()
        self._reader.stop()
        self._maker = None

    def __repr__(self) -> str:
        """Its name, which holds no credential."""
        return f"Capture({self._name!r})"

    def _pixels(self, picture: Any) -> NDArray[np.uint8]:
        if isinstance(picture, np.ndarray):
            return picture
        path = Path(self._name)
        turn = turn_of(picture, path)
        if self._maker is None or self._maker[0] != turn:
            self._maker = (turn, PictureMaker(path, turn))
        return self._maker[1].picture(picture)
