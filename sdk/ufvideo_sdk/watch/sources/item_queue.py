"""What waits between the reading thread and whoever takes it."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

from ufvideo_sdk.watch.sources.capture import (
    CaptureEnded,
    CaptureGap,
    CaptureNotice,
    CaptureStats,
)

# Frames that wait of a source that is not dropped by age: whoever reads them waits then.
_MAX_WAITING = 4
# Frames that wait of a camera, whatever their age.
_MAX_LIVE = 64


@dataclass(frozen=True, eq=False)
class WaitingFrame:
    """A frame on the grid, not yet converted: most cost is left to whoever takes it.

    Attributes:
        time_s: Its stream time.
        wall_s: The time of day, seconds since 1970; None: unknown.
        clock: Whose clock that is.
        section: Number of its section.
        pts: Its presentation time in its section.
        picture: PyAV's frame, or RGB pixels, uint8 [H, W, 3].
        arrival_s: When it came, by `time.monotonic`.
    """

    time_s: float
    wall_s: float | None
    clock: str
    section: int
    pts: int
    picture: Any
    arrival_s: float


WaitingItem = WaitingFrame | CaptureGap | CaptureNotice | CaptureEnded


class ItemQueue:
    """Items in order, of which frames are dropped by age or waited for; and a capture's counts."""

    def __init__(self, max_age_s: float | None) -> None:
        """Begin empty.

        Args:
            max_age_s: Frames that wait longer are dropped; None: whoever puts one waits for room.
        """
        self._max_age_s = max_age_s
        self._items: deque[WaitingItem] = deque()
        self._num_frames = 0
        self._changed = threading.Condition()
        self._is_closed = False
        self._dropped: Counter[str] = Counter()
        self._num_taken = 0
        self._num_connections = 0
        self._frame_rate: float | None = None
        self._clock = "arrival"
        self._clock_error_s: float | None = None

    def put_frame(self, frame: WaitingFrame) -> bool:
        """Add a frame; False if the queue is closed."""
        with self._changed:
            if self._max_age_s is None:
                self._changed.wait_for(lambda: self._is_closed or self._num_frames < _MAX_WAITING)
            if self._is_closed:
                return False
            self._items.append(frame)
            self._num_frames += 1
            self._drop_old()
            self._changed.notify_all()
            return True

    def put(self, item: CaptureGap | CaptureNotice | CaptureEnded) -> None:
        """Add what is no frame; it is never dropped."""
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()

    def take(self, timeout_s: float) -> WaitingItem | None:
        """The next item; None if none came in time."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                self._drop_old()
                if self._items:
                    item = self._items.popleft()
                    if isinstance(item, WaitingFrame):
                        self._num_frames -= 1
                    self._changed.notify_all()
                    return item
                left_s = deadline - time.monotonic()
                if left_s <= 0 or not self._changed.wait(left_s):
                    return None

    def keep_all(self) -> None:
        """From now on whoever puts a frame waits for room: the source is a recording."""
        with self._changed:
            self._max_age_s = None

    def close(self) -> None:
        """Let go whoever waits to put a frame."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def count_dropped(self, cause: str) -> None:
        """A frame is not handed out."""
        with self._changed:
            self._dropped[cause] += 1

    def count_taken(self) -> None:
        """A frame was handed out."""
        with self._changed:
            self._num_taken += 1

    def count_connection(self) -> None:
        """A connection gave its first frame."""
        with self._changed:
            self._num_connections += 1

    def measured(self, frame_rate: float | None, clock: str, error_s: float | None) -> None:
        """What the reading thread has measured."""
        with self._changed:
            self._frame_rate, self._clock, self._clock_error_s = frame_rate, clock, error_s

    @property
    def stats(self) -> CaptureStats:
        """Counts so far."""
        with self._changed:
            return CaptureStats(
                self._num_taken,
                dict(self._dropped),
                self._num_connections,
                self._frame_rate,
                self._clock,
                self._clock_error_s,
            )

    def _drop_old(self) -> None:
        if self._max_age_s is None or not self._num_frames:
            return
        oldest_s = time.monotonic() - self._max_age_s
        kept: deque[WaitingItem] = deque()
        for item in self._items:
            if isinstance(item, WaitingFrame) and (
                item.arrival_s < oldest_s or self._num_frames > _MAX_LIVE
            ):
                self._dropped["age"] += 1
                self._num_frames -= 1
            else:
                kept.append(item)
        self._items = kept
