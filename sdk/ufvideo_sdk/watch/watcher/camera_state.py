"""What is shown of one camera, gathered from its facts."""

from __future__ import annotations

import threading
from collections import Counter, deque

from ufvideo_sdk.watch.engine.facts import (
    Answered,
    Asked,
    Dropped,
    Ended,
    Event,
    Fact,
    Failed,
    Frame,
    Gap,
    Tracked,
)
from ufvideo_sdk.watch.sources.capture import CaptureNotice, TakenFrame
from ufvideo_sdk.watch.status import LastAnswer, LastNotice, LiveTracked

_WITHOUT_FRAMES = ("lost", "refused", "stalled")
_MOST_SHOWN = 20
_MOST_TIMES = 64


class CameraState:
    """The latest of everything; written by the watching thread, read from any."""

    def __init__(self) -> None:
        """Begin before the first fact."""
        self.lock = threading.Lock()
        self.state = "opening"
        self.num_frames = 0
        self.num_asked = 0
        self.num_failed = 0
        self.dropped: Counter[str] = Counter()
        self.answers: dict[str, LastAnswer] = {}
        self.tracks: dict[str, LiveTracked] = {}
        self.events: deque[Event] = deque(maxlen=_MOST_SHOWN)
        self.notices: deque[LastNotice] = deque(maxlen=_MOST_SHOWN)
        # Stream time and time of day of the latest frames.
        self.times: deque[tuple[float, float | None]] = deque(maxlen=_MOST_TIMES)
        self._asked_s: dict[str, float] = {}

    def taken(self, taken: TakenFrame) -> None:
        """A frame is looked at."""
        with self.lock:
            self.times.append((taken.time_s, taken.wall_s))

    def fact(self, fact: Fact) -> None:
        """A fact."""
        with self.lock:
            self._take(fact)

    def notice(self, notice: CaptureNotice) -> None:
        """Something that a person wants to know."""
        with self.lock:
            if notice.kind in _WITHOUT_FRAMES:
                # The gap is told when it is over.
                self.state = "gap"
            self.notices.append(LastNotice(notice.kind, notice.time_s, notice.text))

    def wall_s(self, time_s: float) -> float | None:
        """The time of day at a stream time, by the nearest of the latest frames."""
        with self.lock:
            known = [(t, w) for t, w in self.times if w is not None]
        if not known:
            return None
        nearest_s, wall_s = min(known, key=lambda pair: abs(pair[0] - time_s))
        return wall_s + time_s - nearest_s

    @property
    def looked_at_rate(self) -> float | None:
        """Frames a second of stream time that are looked at; None before there are two."""
        times = self.times
        if len(times) < 2 or times[-1][0] <= times[0][0]:
            return None
        return (len(times) - 1) / (times[-1][0] - times[0][0])

    def _take(self, fact: Fact) -> None:
        if isinstance(fact, Frame):
            self.num_frames += 1
            self.state = "live"
        elif isinstance(fact, Asked):
            self.num_asked += 1
            self._asked_s[fact.question] = fact.time_s
        elif isinstance(fact, Answered):
            time_s = self._asked_s.get(fact.question, 0.0)
            self.answers[fact.question] = LastAnswer(fact.question, time_s, fact.said)
        elif isinstance(fact, Failed):
            self.num_failed += 1
            self.dropped[f"question: {fact.cause}"[:60]] += 1
        elif isinstance(fact, Dropped):
            self.dropped[f"question: {fact.cause}"[:60]] += 1
        elif isinstance(fact, Tracked):
            self.tracks[fact.question] = LiveTracked(fact.question, fact.time_s, fact.objects)
        elif isinstance(fact, Event):
            self.events.append(fact)
        elif isinstance(fact, Gap):
            self.state = "gap"
        elif isinstance(fact, Ended):
            self.state = "ended"
