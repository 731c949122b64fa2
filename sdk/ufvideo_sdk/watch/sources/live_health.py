"""Whether a camera sends pictures, told once when it stops and once when it goes on."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from ufvideo_sdk.watch.sources.capture import CaptureGap, CaptureNotice
from ufvideo_sdk.watch.sources.item_queue import ItemQueue

# From one frame to the next is no gap, whatever the rate.
_LEAST_GAP_S = 0.1
# Pauses of a camera that sends in bursts, or seldom: they are usual when so many of them come.
_PAUSE_S = 1.0
_NUM_PAUSES = 5
_LEAST_PAUSES = 3


class LiveHealth:
    """Follows one camera from its reading thread and from the one that watches that thread."""

    def __init__(
        self,
        queue: ItemQueue,
        now_s: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin before the first frame.

        Args:
            queue: Where gaps and notices are put.
            now_s: Stream time of a picture that would come now.
            clock: Seconds that never go back.
        """
        self._queue = queue
        self._now_s = now_s
        self._lock = threading.Lock()
        self._trouble: str | None = None
        self._cause = ""
        self._has_told_gap = False
        self._seen_until_s: float | None = None
        self._clock = clock
        self._last_frame = clock()
        self._is_first = True
        self._pauses: deque[float] = deque(maxlen=_NUM_PAUSES)

    @property
    def trouble(self) -> str | None:
        """Why no frames come; None while they do."""
        with self._lock:
            return self._trouble

    def silence_s(self) -> float:
        """How long no frame has come."""
        with self._lock:
            return self._clock() - self._last_frame

    def usual_pause_s(self) -> float | None:
        """How long it pauses between bursts or frames; None if it does not, as far as is known."""
        with self._lock:
            pauses = sorted(self._pauses)
        return pauses[(len(pauses) - 1) // 2] if len(pauses) >= _LEAST_PAUSES else None

    def begin_connection(self) -> None:
        """Another connection begins: a pause before its first frame is none of the camera's."""
        with self._lock:
            self._is_first = True

    def went_wrong(self, kind: str, cause: str, text: str | None) -> None:
        """Frames do not come. The first cause is told, and a later one of another kind.

        Args:
            kind: Of the notice, such as "lost".
            cause: Of the gap, such as "connection lost".
            text: The same in words, without credentials; None: a notice has been put.
        """
        with self._lock:
            if self._trouble == kind:
                return
            now_s = self._now_s()
            if text is not None:
                self._queue.put(CaptureNotice(kind, now_s, text))
            # A lost connection is often noticed as a stall first: one gap, told as it grows.
            if self._seen_until_s is not None and now_s > self._seen_until_s:
                self._queue.put(CaptureGap(self._seen_until_s, now_s, cause))
                self._seen_until_s = now_s
                self._has_told_gap = True
            self._trouble, self._cause = kind, cause

    def frame_came(self, time_s: float, usual_step_s: float) -> bool:
        """A frame came, and is told of after this.

        Args:
            time_s: Its stream time.
            usual_step_s: Time from one frame to the next.

        Returns:
            Whether it is in time: False for one that was told missing already.
        """
        with self._lock:
            now = self._clock()
            if now - self._last_frame > _PAUSE_S and not self._is_first:
                self._pauses.append(now - self._last_frame)
            self._last_frame, self._is_first = now, False
            seen_s, trouble = self._seen_until_s, self._trouble
            if seen_s is not None and time_s <= seen_s:
                return False
            if trouble is not None:
                least_s = max(2 * usual_step_s, _LEAST_GAP_S) if self._has_told_gap else 0.0
                if seen_s is not None and time_s - seen_s > least_s:
                    self._queue.put(CaptureGap(seen_s, time_s, self._cause))
                self._queue.put(CaptureNotice("resumed", time_s, "pictures come again"))
                self._trouble, self._has_told_gap = None, False
            self._seen_until_s = time_s
            return True
