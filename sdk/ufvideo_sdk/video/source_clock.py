"""How long a source takes to open, and its frames to read."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.cancellation import UntilCancelled, close_iterator
from ufvideo_sdk.video.read_ahead import ReadAhead

Item = TypeVar("Item")

SOURCE_OPEN = "source_open"
FRAME_READING = "frame_reading"
FRAME_WAIT = "frame_wait"


@dataclass(frozen=True)
class SourceTiming:
    """Calls, frames and wall time of one step of reading.

    Attributes:
        num_calls: How often it began.
        num_items: Frames.
        total_ms: Wall time.
    """

    num_calls: int
    num_items: int
    total_ms: float


class SourceClock:
    """Times of one clip's source, added from any thread.

    `source_open` is listing the frames, `frame_reading` is reading and decoding them up to RGB in
    whatever thread does it, and `frame_wait` is how long the caller waited for them: less than
    `frame_reading` where a thread reads ahead.
    """

    def __init__(self) -> None:
        """Begin with nothing read."""
        self._lock = threading.Lock()
        self._timings: dict[str, SourceTiming] = {}

    def timings(self) -> Mapping[str, SourceTiming]:
        """What was added until now, by step."""
        with self._lock:
            return dict(self._timings)

    def add(self, step: str, num_calls: int, num_items: int, total_ms: float) -> None:
        """Add to a step."""
        with self._lock:
            before = self._timings.get(step, SourceTiming(0, 0, 0.0))
            self._timings[step] = SourceTiming(
                before.num_calls + num_calls,
                before.num_items + num_items,
                before.total_ms + total_ms,
            )

    def opened(self, begin: float) -> None:
        """The source is open: its frames are listed.

        Args:
            begin: When that began, by `time.perf_counter`.
        """
        self.add(SOURCE_OPEN, 1, 0, 1e3 * (time.perf_counter() - begin))

    def reader(
        self, frames: Iterator[Item], cancel: CancellationToken | None, max_ahead: int | None
    ) -> TimedFrames[Item]:
        """The same frames, timed; those that are made beside the caller's work wait for it.

        Args:
            frames: Where they come from.
            cancel: What ends the reading early.
            max_ahead: Most frames that another thread reads ahead; None: the caller's thread reads.

        Raises:
            CapacityError: When the system has no thread left.
        """
        made = self._timed(frames, FRAME_READING)
        if max_ahead is None:
            return self._timed(UntilCancelled(made, cancel), FRAME_WAIT)
        return self._timed(ReadAhead(made, cancel, max_ahead), FRAME_WAIT)

    def _timed(self, frames: Iterator[Item], step: str) -> TimedFrames[Item]:
        self.add(step, 1, 0, 0.0)
        return TimedFrames(frames, self, step)


class TimedFrames(Iterator[Item]):
    """The items of an iterator, with the time that each takes added to a clock.

    Not a generator: that would hold each item until the next one is asked for.
    """

    def __init__(self, items: Iterator[Item], clock: SourceClock, step: str) -> None:
        """Begin before the first item."""
        self._items = items
        self._clock = clock
        self._step = step

    def __next__(self) -> Item:
        """The next item."""
        begin = time.perf_counter()
        num_items = 0
        try:
            item = next(self._items)
            num_items = 1
            return item
        finally:
            self._clock.add(self._step, 0, num_items, 1e3 * (time.perf_counter() - begin))

    def close(self) -> None:
        """Close the iterator, if it can be closed."""
        close_iterator(self._items)


def timings_between(
    before: Mapping[str, SourceTiming], after: Mapping[str, SourceTiming]
) -> dict[str, SourceTiming]:
    """What was added between two readings of a clock; steps without a new call are left out."""
    nothing = SourceTiming(0, 0, 0.0)
    added = {}
    for step, timing in after.items():
        earlier = before.get(step, nothing)
        if timing.num_calls > earlier.num_calls:
            added[step] = SourceTiming(
                timing.num_calls - earlier.num_calls,
                timing.num_items - earlier.num_items,
                timing.total_ms - earlier.total_ms,
            )
    return added
