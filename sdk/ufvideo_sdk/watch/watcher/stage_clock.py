"""How long the stages of a watch take."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ufvideo_sdk.watch.status import StageLatency


class StageClock:
    """Counts and times of stages; read from any thread."""

    def __init__(self) -> None:
        """Begin without a stage."""
        self._lock = threading.Lock()
        # Name -> (calls, latest seconds, all seconds).
        self._stages: dict[str, tuple[int, float, float]] = {}

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Count what runs inside as a call of a stage."""
        begin_s = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - begin_s)

    def add(self, name: str, seconds: float) -> None:
        """Count a call."""
        with self._lock:
            calls, _, total_s = self._stages.get(name, (0, 0.0, 0.0))
            self._stages[name] = (calls + 1, seconds, total_s + seconds)

    def total_s(self, *names: str) -> float:
        """Seconds that stages took together."""
        with self._lock:
            return sum(self._stages.get(name, (0, 0.0, 0.0))[2] for name in names)

    @property
    def latencies(self) -> tuple[StageLatency, ...]:
        """Each stage, in the order in which they came first."""
        with self._lock:
            stages = dict(self._stages)
        return tuple(
            StageLatency(name, calls, 1000 * last_s, 1000 * total_s / calls)
            for name, (calls, last_s, total_s) in stages.items()
        )
