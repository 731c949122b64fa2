"""A thread that delivers, and the queue of what it is still to deliver."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from ufvideo_sdk.errors import UFVideoError
from ufvideo_sdk.watch.sinks.sink import SinkStats

_LOOK_EVERY_S = 1.0

T = TypeVar("T")


class UndeliveredError(Exception):
    """Something did not arrive.

    Attributes:
        retry_s: Seconds after which it is tried again; None: it is given up.
    """

    def __init__(self, problem: str, retry_s: float | None = None) -> None:
        """Keep what happened.

        Args:
            problem: Why, without a secret.
            retry_s: Seconds after which it is tried again; None: it is given up.
        """
        super().__init__(problem)
        self.retry_s = retry_s


class Delivery(Generic[T]):
    """Delivers items one after the other in a thread of its own.

    Whoever adds an item never waits. Beyond a bound the oldest item that waits is dropped, and
    counted.
    """

    def __init__(
        self,
        name: str,
        deliver: Callable[[T, int], None],
        *,
        max_waiting: int,
        on_dropped: Callable[[T], None] | None = None,
        is_native: bool = False,
    ) -> None:
        """Start the thread.

        Args:
            name: Name of the sink.
            deliver: Is called with an item and the number of attempts before, in the thread; raises
                UndeliveredError if the item did not arrive.
            max_waiting: Most items that wait.
            on_dropped: Is called with each item that is dropped or given up, in some cases twice.
            is_native: Whether `deliver` works in native code, and looks at `is_late` between.
        """
        self._name, self._deliver, self._on_dropped = name, deliver, on_dropped
        self._max_waiting = max_waiting
        self._waiting: deque[T] = deque()
        self._changed = threading.Condition()
        self._current: tuple[T] | None = None
        self._deadline: float | None = None
        self._num_delivered = self._num_dropped = self._num_failed = 0
        self._problem = ""
        self._maker = threading.current_thread()
        # A daemon where that is safe: a name server that does not answer holds up no end of the
        # process. In native code of C++ the end of a daemon would be a crash: there the thread
        # ends by itself when nobody is left to close it.
        self._thread = threading.Thread(
            target=self._run, name=f"ufvideo {name}", daemon=not is_native
        )
        self._thread.start()

    @property
    def stats(self) -> SinkStats:
        """Counts so far, from any thread."""
        with self._changed:
            return SinkStats(
                self._name,
                self._num_delivered,
                len(self._waiting) + (self._current is not None),
                self._num_dropped,
                self._num_failed,
                self._problem,
            )

    @property
    def is_late(self) -> bool:
        """Whether the time to deliver is over, from any thread."""
        return self._is_late()

    def put(self, item: T) -> None:
        """Add an item. After `close` it is dropped."""
        dropped: T | None = item
        with self._changed:
            if self._deadline is None:
                full = len(self._waiting) >= self._max_waiting
                dropped = self._waiting.popleft() if full else None
                self._waiting.append(item)
                self._changed.notify_all()
            self._num_dropped += dropped is not None
        if dropped is not None:
            self._tell_dropped(dropped)

    def close(self, timeout_s: float) -> None:
        """Deliver what waits within a time, drop the rest, and end the thread."""
        with self._changed:
            if self._deadline is None:
                self._deadline = time.monotonic() + timeout_s
            self._changed.notify_all()
        self._thread.join(timeout_s + 0.5)
        with self._changed:
            left = list(self._waiting)
            self._waiting.clear()
            self._num_dropped += len(left)
            # What is under way ends some time later, but nobody waits for it any more.
            left[:0] = [] if self._current is None else self._current
        for item in left:
            self._tell_dropped(item)

    def _run(self) -> None:
        while (item := self._next()) is not None:
            has_arrived = self._try(item[0])
            with self._changed:
                self._current = None
                self._num_delivered += has_arrived
            if not has_arrived:
                self._tell_dropped(item[0])

    def _next(self) -> tuple[T] | None:
        """The oldest item, as soon as there is one; None at the end."""
        with self._changed:
            while not self._waiting and self._deadline is None and self._is_needed():
                self._changed.wait(_LOOK_EVERY_S)
            if not self._waiting or self._is_late():
                return None
            self._current = (self._waiting.popleft(),)
            return self._current

    def _try(self, item: T) -> bool:
        """Deliver an item, if need be in several attempts; False when it did not arrive."""
        attempt = 0
        while True:
            try:
                self._deliver(item, attempt)
            except UndeliveredError as error:
                retry_s, problem = error.retry_s, str(error)
            except UFVideoError as error:
                retry_s, problem = None, str(error)
            except Exception as error:
                # A sink never stops the watch, not by a mistake of ours either.
                retry_s, problem = None, f"unexpected {type(error).__name__}"
            else:
                with self._changed:
                    self._problem = ""
                return True
            attempt += 1
            with self._changed:
                self._problem = problem
                if retry_s is None or not self._wait(retry_s):
                    self._num_failed += 1
                    return False

    def _wait(self, seconds: float) -> bool:
        """Wait for the next attempt; False when there is no time for one."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._deadline is not None:
                # One more attempt while there is time, and at once.
                left = min(left, self._deadline - time.monotonic(), 0.1)
                until = min(until, time.monotonic() + left)
            if self._is_late():
                return False
            self._changed.wait(max(left, 0.01))
        return not self._is_late()

    def _is_late(self) -> bool:
        if not self._is_needed():
            return True
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _is_needed(self) -> bool:
        """Whether a thread is left that may close it: the program's own, or whoever made it."""
        return threading.main_thread().is_alive() or self._maker.is_alive()

    def _tell_dropped(self, item: T) -> None:
        if self._on_dropped is not None:
            self._on_dropped(item)
