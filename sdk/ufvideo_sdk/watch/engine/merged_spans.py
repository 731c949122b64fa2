"""Events of located spans, merged over windows that overlap."""

from __future__ import annotations

from dataclasses import dataclass, field

from ufvideo_sdk.tracking.event_detector import has_lasted
from ufvideo_sdk.watch.engine.facts import Answered, Asked, FoundSpan, Output
from ufvideo_sdk.watch.engine.rule_events import RuleEvents, Seen
from ufvideo_sdk.watch.rules.rule import Confirmation, Spans


@dataclass
class _Merged:
    """Spans that are one occurrence."""

    start_s: float
    end_s: float
    # Numbers of the answers that named it, and the frames they are about.
    answers: set[int] = field(default_factory=set)
    seen: list[Seen] = field(default_factory=list)
    is_started: bool = False


class MergedSpans:
    """Starts an event when n of the latest m answers name the same occurrence.

    Spans that overlap, or have at most `merge_gap_s` between them, are one occurrence. An event
    ends when the window has moved past it, so that no later answer can change it, or when a later
    occurrence starts an event. Its end has the union of all its spans. A span that lies within an
    event that has ended is that event, seen again; an occurrence that is named only after a later
    one has started is left out.
    """

    def __init__(self, condition: Spans, confirmation: Confirmation, events: RuleEvents) -> None:
        """Begin without a span."""
        self._gap_s = condition.merge_gap_s
        self._confirmation = confirmation
        self._events = events
        self._num_answers = 0
        self._found: list[_Merged] = []

    def observe(self, asked: Asked, answered: Answered) -> list[Output]:
        """Return what one more answer tells, in the order in which it is told."""
        self._num_answers += 1
        told = self._passed(asked)
        spans = sorted(answered.spans, key=lambda span: (span.start_s, span.end_s))
        found = ", ".join(f"{span.start_s:.2f} to {span.end_s:.2f} s" for span in spans)
        words = f"named at {found}" if spans else "not named"
        seen = Seen(asked.frame_idx, asked.time_s, bool(spans), words)
        kept = [each for each in map(self._new_part, spans) if each is not None]
        for start_s, end_s in kept:
            self._merge(start_s, end_s, seen)
        self._found.sort(key=lambda each: each.start_s)
        edges = self._edges(asked.time_s)
        told.append(self._judged(seen, is_cooling=bool(spans) and not kept, edges=edges))
        return told + edges

    def interrupt(self, known_s: float, cause: str) -> list[Output]:
        """End the event that is under way, if any, and forget every span.

        Args:
            known_s: The time at which the answers are known to end.
            cause: Why, in words.
        """
        started = self._started()
        told: list[Output] = [] if started is None else [self._end(started, known_s, cause)]
        self._found.clear()
        return told

    def _passed(self, asked: Asked) -> list[Output]:
        """End what lies before the window, and forget it."""
        told: list[Output] = []
        for each in self._found:
            if each.is_started and self._is_past(each, asked):
                reason = "the window has moved past it"
                told.append(self._end(each, asked.time_s, reason))
        self._found = [each for each in self._found if not self._is_past(each, asked)]
        return told

    def _is_past(self, merged: _Merged, asked: Asked) -> bool:
        return asked.window_start_s > merged.end_s + self._gap_s

    def _new_part(self, span: FoundSpan) -> tuple[float, float] | None:
        """What a span has beyond the events that have ended; None: nothing, or it cools down."""
        last_s = self._events.last_end_s
        if last_s is None:
            return span.start_s, span.end_s
        if span.end_s <= last_s + self._gap_s and not self._touches_started(span):
            return None
        if self._events.is_cooling(span.start_s):
            return None
        start_s = max(span.start_s, self._events.free_from_s)
        return (start_s, span.end_s) if start_s <= span.end_s else None

    def _touches_started(self, span: FoundSpan) -> bool:
        started = self._started()
        return started is not None and self._touch(started, span.start_s, span.end_s)

    def _touch(self, merged: _Merged, start_s: float, end_s: float) -> bool:
        return start_s <= merged.end_s + self._gap_s and end_s >= merged.start_s - self._gap_s

    def _merge(self, start_s: float, end_s: float, seen: Seen) -> None:
        new = _Merged(start_s, end_s, {self._num_answers}, [seen])
        apart = []
        for each in self._found:
            if not self._touch(each, new.start_s, new.end_s):
                apart.append(each)
                continue
            new.start_s, new.end_s = min(new.start_s, each.start_s), max(new.end_s, each.end_s)
            new.answers |= each.answers
            # The first ones, and the last one, are evidence enough.
            new.seen = [*each.seen, *new.seen][:8] + new.seen[-1:]
            new.is_started = new.is_started or each.is_started
        new.answers = self._latest(new)
        if new.is_started:
            new.start_s = max(new.start_s, self._events.free_from_s)
        self._found = [*apart, new]

    def _edges(self, time_s: float) -> list[Output]:
        """Start what is confirmed; what was under way before it ends."""
        told: list[Output] = []
        for each in self._found:
            if each.is_started or not self._is_confirmed(each):
                continue
            started = self._started()
            if self._is_left_out(each, started):
                continue
            if started is not None:
                told.append(self._end(started, time_s, "a later one has started"))
            each.is_started = True
            # It may begin within the rounding of the cool-down's end: its end is clipped alike.
            each.start_s = max(each.start_s, self._events.free_from_s)
            num = len(self._latest(each))
            answers = min(self._num_answers, self._confirmation.num_answers)
            reason = f"{num} of the latest {answers} answers named it"
            told.append(self._events.start(time_s, each.start_s, reason, each.seen))
        return told

    def _is_left_out(self, merged: _Merged, started: _Merged | None) -> bool:
        """Whether an occurrence lies before an event, or in its cool-down."""
        if started is not None:
            is_before = started.start_s > merged.start_s
            return is_before or self._events.cools(started.end_s, merged.start_s)
        last_s = self._events.last_end_s
        is_before = last_s is not None and merged.start_s < last_s
        return is_before or self._events.is_cooling(merged.start_s)

    def _is_confirmed(self, merged: _Merged) -> bool:
        is_long = has_lasted(merged.start_s, merged.end_s, self._confirmation.for_s)
        return is_long and len(self._latest(merged)) >= self._confirmation.num_holding

    def _latest(self, merged: _Merged) -> set[int]:
        first = self._num_answers - self._confirmation.num_answers
        return {number for number in merged.answers if number > first}

    def _started(self) -> _Merged | None:
        return next((each for each in self._found if each.is_started), None)

    def _end(self, merged: _Merged, known_s: float, reason: str) -> Output:
        span_s = (merged.start_s, merged.end_s)
        ended = self._events.end(known_s, span_s, reason, merged.seen)
        merged.is_started = False
        # What began before, or in the cool-down, starts no event any more.
        self._found = [each for each in self._found if not self._is_left_out(each, None)]
        return ended

    def _judged(self, seen: Seen, *, is_cooling: bool, edges: list[Output]) -> Output:
        started = self._started()
        best = max((len(self._latest(each)) for each in self._found), default=0)
        num_answers = min(self._num_answers, self._confirmation.num_answers)
        if edges:
            state = "start"
        elif started is not None:
            state = "on"
        elif is_cooling:
            state = "cool-down"
        else:
            waits = any(
                len(self._latest(each)) >= self._confirmation.num_holding for each in self._found
            )
            state = "waiting" if waits else "quiet"
        return self._events.judged(seen, state, best, num_answers)
