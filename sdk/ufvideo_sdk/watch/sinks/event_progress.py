"""What is told of an event when: files are written first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ufvideo_sdk.watch.sinks.event_message import EventMessage

Files = tuple[Path, ...]


class EventProgress:
    """An event under way: which of its files are still to be written.

    Its start is published when its first snapshots are there, its end when its clip is there and
    the start has been published.
    """

    def __init__(self, publish: Callable[[EventMessage], None], has_clip: bool) -> None:
        """Begin before anything is published.

        Args:
            publish: Tells everyone of an edge.
            has_clip: Whether the end waits for a clip.
        """
        self._publish = publish
        self._lock = threading.Lock()
        self._has_started = False
        self._clips: Files | None = None if has_clip else ()
        self._problem = ""
        self._end: EventMessage | None = None
        self._snapshots: Files = ()
        # Frames whose snapshots the start has.
        self.frame_idxs: set[int] = set()
        self.is_over = threading.Event()

    def start(self, message: EventMessage) -> None:
        """The start may be published."""
        with self._lock:
            self._publish(message)
            self._has_started, self._snapshots = True, message.snapshots
            self._publish_end()

    def clip(self, clips: Files, problem: str) -> None:
        """The clip has been written, or never will be."""
        with self._lock:
            self._clips, self._problem = clips, problem
            self._publish_end()

    def end(self, message: EventMessage) -> None:
        """The end may be published as soon as the rest is there."""
        with self._lock:
            self._end = message
            self._publish_end()

    def _publish_end(self) -> None:
        if self._has_started and self._end is not None and self._clips is not None:
            snapshots = (*self._snapshots, *self._end.snapshots)
            problem = self._end.problem or self._problem
            made = replace(self._end, clips=self._clips, snapshots=snapshots, problem=problem)
            self._publish(made)
            self.is_over.set()


def once(written: Callable[[Files, str], None]) -> Callable[[Files, str], None]:
    """Return a function that does nothing when it is called again."""
    lock = threading.Lock()

    def called(files: Files, problem: str) -> None:
        # Never released: the first call is the only one.
        if lock.acquire(blocking=False):
            written(files, problem)

    return called
