"""What was known of a camera at each of its latest moments, for pictures of them."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ufvideo_sdk.watch.engine.facts import (
    Answered,
    Asked,
    Crossed,
    Event,
    Fact,
    Failed,
    FoundObject,
    Frame,
    Gap,
    Tracked,
)

# A box is drawn for so long after its frame, where no later frame says anything else.
_BOX_S = 1.0
_MAX_FRAMES = 4096
# Snapshots show the events of so many seconds before theirs.
_EVENTS_S = 60.0


@dataclass(frozen=True)
class KnownAnswer:
    """An answer.

    Attributes:
        question: Name of the question.
        time_s: The newest frame that it is about.
        text: The answer in one line.
        objects: Objects that were segmented.
    """

    question: str
    time_s: float
    text: str
    objects: tuple[FoundObject, ...] = ()


class _Timed(Protocol):
    @property
    def time_s(self) -> float: ...


T = TypeVar("T", bound=_Timed)


@dataclass(frozen=True)
class PastSeconds:
    """What was known during some seconds of stream time. It does not change.

    Attributes:
        answers: Of each question, in the order of their times.
        tracked: Of each question that is tracked, the same.
        crossed: Of each rule, the same.
        events: Edges, in the order in which they were known.
    """

    answers: Mapping[str, Sequence[KnownAnswer]]
    tracked: Mapping[str, Sequence[Tracked]]
    crossed: Mapping[str, Sequence[Crossed]]
    events: Sequence[Event]

    def answer(self, question: str, time_s: float) -> KnownAnswer | None:
        """Return the latest answer about a time or an earlier one."""
        return _latest(self.answers.get(question, ()), time_s)

    def crossings(self, rule: str, time_s: float) -> Crossed | None:
        """Return the latest crossing, with the counts up to it."""
        return _latest(self.crossed.get(rule, ()), time_s)

    def objects(self, question: str, time_s: float) -> tuple[FoundObject, ...]:
        """Return where objects are; of a track between two frames somewhere between."""
        answer = self.answer(question, time_s)
        if answer is not None and answer.objects:
            return answer.objects if time_s - answer.time_s <= _BOX_S else ()
        frames = self.tracked.get(question, ())
        num_before = _num_until(frames, time_s)
        if num_before == 0:
            return ()
        before = frames[num_before - 1]
        after = frames[num_before] if num_before < len(frames) else None
        if after is None or after.time_s - before.time_s > _BOX_S:
            return before.objects if time_s - before.time_s <= _BOX_S else ()
        share = (time_s - before.time_s) / (after.time_s - before.time_s)
        later = {each.id: each for each in after.objects}
        return tuple(_between(each, later.get(each.id, each), share) for each in before.objects)

    def active_rules(self, time_s: float) -> set[str]:
        """Return the rules whose events a time lies in, as far as their edges are known at all."""
        ends = {e.id: e.end_s for e in self.events if e.edge == "end"}
        starts = [e for e in self.events if e.edge == "start" and e.start_s <= time_s]
        return {e.rule for e in starts if (ends.get(e.id) or time_s) >= time_s}

    def open_events(self, time_s: float) -> list[Event]:
        """Return the events that are under way at a time, as far as it is known by then."""
        ended = {e.id for e in self.events if e.edge == "end" and e.known_s <= time_s}
        starts = [e for e in self.events if e.edge == "start" and e.known_s <= time_s]
        return [event for event in starts if event.id not in ended]


class History:
    """Keeps what was known during the latest seconds."""

    def __init__(self, keep_s: float) -> None:
        """Begin with nothing.

        Args:
            keep_s: Seconds of stream time that are kept.
        """
        self._keep_s = keep_s
        self._time_s = 0.0
        # Times of the latest frames, by their numbers.
        self._frames: OrderedDict[int, float] = OrderedDict()
        self._asked: dict[str, deque[float]] = {}
        self._answers: dict[str, deque[KnownAnswer]] = {}
        self._tracked: dict[str, deque[Tracked]] = {}
        self._crossed: dict[str, deque[Crossed]] = {}
        self._events: deque[Event] = deque(maxlen=1000)

    @property
    def time_s(self) -> float:
        """The time of the newest frame."""
        return self._time_s

    def take(self, fact: Fact) -> None:
        """Take a fact, in order."""
        if isinstance(fact, Frame):
            self._time_s = fact.time_s
            self._frames[fact.frame_idx] = fact.time_s
            if len(self._frames) > _MAX_FRAMES:
                self._frames.popitem(last=False)
        elif isinstance(fact, Asked):
            self._asked.setdefault(fact.question, deque()).append(fact.time_s)
        elif isinstance(fact, (Answered, Failed)):
            self._answered(fact)
        elif isinstance(fact, Tracked):
            self._keep(self._tracked.setdefault(fact.question, deque()), fact)
        elif isinstance(fact, Crossed):
            self._keep(self._crossed.setdefault(fact.rule, deque()), fact)
        elif isinstance(fact, Event):
            self._events.append(fact)
            self._forget_events()
        elif isinstance(fact, Gap):
            self._time_s = max(self._time_s, fact.end_s)

    def frame_s(self, frame_idx: int) -> float:
        """Return the time of a frame; of one that is long gone the newest one's."""
        return self._frames.get(frame_idx, self._time_s)

    def latest_answer(self, question: str) -> KnownAnswer | None:
        """Return the latest answer to a question."""
        found = self._answers.get(question)
        return found[-1] if found else None

    def past(self, start_s: float, end_s: float) -> PastSeconds:
        """Return what was known from one time to another, both as far as they are kept."""
        return PastSeconds(
            {name: _part(found, start_s, end_s) for name, found in self._answers.items()},
            {name: _part(found, start_s, end_s) for name, found in self._tracked.items()},
            {name: _part(found, start_s, end_s) for name, found in self._crossed.items()},
            tuple(event for event in self._events if event.known_s <= end_s),
        )

    def _answered(self, fact: Answered | Failed) -> None:
        asked = self._asked.get(fact.question)
        time_s = asked.popleft() if asked else self._time_s
        if isinstance(fact, Answered):
            answer = KnownAnswer(fact.question, time_s, fact.said, fact.objects)
            self._keep(self._answers.setdefault(fact.question, deque()), answer)

    def _forget_events(self) -> None:
        """Drop the events that were over long ago; one that goes on stays."""
        oldest_s = self._time_s - self._keep_s - _EVENTS_S
        gone = {e.id for e in self._events if e.edge == "end" and e.known_s < oldest_s}
        if gone:
            kept = (event for event in self._events if event.id not in gone)
            self._events = deque(kept, maxlen=self._events.maxlen)

    def _keep(self, found: deque[T], item: T) -> None:
        found.append(item)
        # The latest one before the kept seconds says what was known at their beginning.
        while len(found) > 1 and found[1].time_s < self._time_s - self._keep_s:
            found.popleft()


def _part(found: deque[T], start_s: float, end_s: float) -> tuple[T, ...]:
    """Items of some seconds, the last one before and the first one after them included."""
    items = tuple(found)
    return items[max(_num_until(items, start_s) - 1, 0) : _num_until(items, end_s) + 1]


def _latest(found: Sequence[T], time_s: float) -> T | None:
    number = _num_until(found, time_s)
    return found[number - 1] if number else None


def _num_until(found: Sequence[T], time_s: float) -> int:
    """How many items are not later than a time."""
    return bisect_right(found, time_s, key=lambda item: item.time_s)


def _between(one: FoundObject, other: FoundObject, share: float) -> FoundObject:
    edges = (a + (b - a) * share for a, b in zip(one.box, other.box, strict=True))
    return FoundObject(one.id, *edges)
