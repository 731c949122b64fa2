"""Which frames are taken, and how many arrive."""

from __future__ import annotations

import math
import time
from collections import deque

# A tenth of a step before a point counts as at it, as a stream's own grid does: timestamps round.
_EARLY = 0.1


class FrameGrid:
    """Takes the first frame at each point of a grid of stream time."""

    def __init__(self, rate: float) -> None:
        """Begin before the first frame.

        Args:
            rate: Points a second.
        """
        self._rate = rate
        self._last_point: int | None = None

    def takes(self, time_s: float) -> bool:
        """Whether the frame of a time is taken; times rise."""
        point = math.floor(time_s * self._rate + _EARLY)
        if self._last_point is not None and point <= self._last_point:
            return False
        self._last_point = point
        return True


class ArrivalRate:
    """Frames a second that arrive, over the latest seconds."""

    def __init__(self, window_s: float = 5.0) -> None:
        """Begin with none."""
        self._window_s = window_s
        self._arrivals: deque[float] = deque()

    def add(self, now_s: float | None = None) -> None:
        """A frame arrived.

        Args:
            now_s: When, by `time.monotonic`; None: now.
        """
        now_s = time.monotonic() if now_s is None else now_s
        self._arrivals.append(now_s)
        while now_s - self._arrivals[0] > self._window_s:
            self._arrivals.popleft()

    def restart(self) -> None:
        """Forget what arrived, such as over another connection."""
        self._arrivals.clear()

    @property
    def per_s(self) -> float | None:
        """The rate; None before a second has been seen."""
        if len(self._arrivals) < 2:
            return None
        seen_s = self._arrivals[-1] - self._arrivals[0]
        return (len(self._arrivals) - 1) / seen_s if seen_s >= 1.0 else None
