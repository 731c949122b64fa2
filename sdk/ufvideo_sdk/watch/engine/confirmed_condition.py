"""Events of a condition that must hold n of m times."""

from __future__ import annotations

from collections import deque

from ufvideo_sdk.tracking.event_detector import has_lasted
from ufvideo_sdk.watch.engine.facts import Output
from ufvideo_sdk.watch.engine.rule_events import RuleEvents, Seen
from ufvideo_sdk.watch.rules.rule import Confirmation


class ConfirmedCondition:
    """Starts an event when n of the latest m answers hold, and ends it when fewer do.

    An event starts with the first of the answers that made it start and ends with the last answer
    that held. No answer is evidence of two events: when one ends, counting begins anew, and answers
    within its cool-down do not count.
    """

    def __init__(self, confirmation: Confirmation, events: RuleEvents, unit: str) -> None:
        """Begin without an answer.

        Args:
            confirmation: How often and for how long the condition must hold.
            events: Of the rule.
            unit: What is counted, "answers" or "frames".
        """
        self._needed = confirmation.num_holding
        self._for_s = confirmation.for_s
        self._events = events
        self._unit = unit
        self._window: deque[Seen] = deque(maxlen=confirmation.num_answers)
        # Where it began to hold, once enough answers do.
        self._since: Seen | None = None
        self._last: Seen | None = None

    def observe(self, seen: Seen) -> list[Output]:
        """Return what one more answer tells, in the order in which it is told."""
        if self._events.is_cooling(seen.time_s):
            return [self._events.judged(seen, "cool-down")]
        self._window.append(seen)
        holding = [each for each in self._window if each.holds]
        is_confirmed = len(holding) >= self._needed
        if seen.holds:
            self._last = seen
        if self._events.under_way is not None:
            return self._under_way(seen, holding, is_confirmed)
        if not is_confirmed:
            self._since = None
            return [self._judged(seen, "quiet", holding)]
        since = self._since = self._since or holding[0]
        if not has_lasted(since.time_s, seen.time_s, self._for_s):
            return [self._judged(seen, "waiting", holding)]
        judged = self._judged(seen, "start", holding)
        reason = self._start_reason(holding)
        evidence = (since, *holding)
        return [judged, self._events.start(seen.time_s, since.time_s, reason, evidence)]

    def interrupt(self, known_s: float, cause: str) -> list[Output]:
        """End the event that is under way, if any, and begin to count anew.

        Args:
            known_s: The time at which the answers are known to end.
            cause: Why, in words.
        """
        return self._end(known_s, cause)

    def _under_way(self, seen: Seen, holding: list[Seen], is_confirmed: bool) -> list[Output]:
        if is_confirmed:
            return [self._judged(seen, "on", holding)]
        judged = self._judged(seen, "end", holding)
        reason = seen.found
        if len(self._window) > 1:
            counts = f"only {len(holding)} of the latest {len(self._window)} {self._unit} hold"
            reason = f"{counts}; the last one: {seen.found}"
        return [judged, *self._end(seen.time_s, reason)]

    def _end(self, known_s: float, reason: str) -> list[Output]:
        start, last = self._events.under_way, self._last
        self._window.clear()
        self._since = self._last = None
        if start is None or last is None:
            return []
        span_s = (start.start_s, last.time_s)
        return [self._events.end(known_s, span_s, reason, [last])]

    def _start_reason(self, holding: list[Seen]) -> str:
        found = holding[-1].found
        if self._needed > 1:
            counts = f"{len(holding)} of the latest {len(self._window)} {self._unit} hold"
            found = f"{counts}; the last one of them: {found}"
        return f"{found}; it has held for {self._for_s:g} s" if self._for_s else found

    def _judged(self, seen: Seen, state: str, holding: list[Seen]) -> Output:
        return self._events.judged(seen, state, len(holding), len(self._window))
