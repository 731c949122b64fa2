"""One rule under way: from answers and tracks to what they tell."""

from __future__ import annotations

from collections.abc import Callable

from ufvideo_sdk.watch.engine.confirmed_condition import ConfirmedCondition
from ufvideo_sdk.watch.engine.facts import Answered, Asked, Event, Judged, Output, Tracked
from ufvideo_sdk.watch.engine.judgement import judge
from ufvideo_sdk.watch.engine.line_crossings import LineCrossings
from ufvideo_sdk.watch.engine.merged_spans import MergedSpans
from ufvideo_sdk.watch.engine.presence import ZoneStays
from ufvideo_sdk.watch.engine.rule_events import RuleEvents
from ufvideo_sdk.watch.rules.rule import Crossing, Presence, Rule, Spans


class RuleState:
    """What one rule remembers of the facts so far."""

    def __init__(self, rule: Rule, next_id: Callable[[], int], *, is_tracked: bool) -> None:
        """Begin before the first fact.

        Args:
            rule: The rule.
            next_id: Returns the id of the next event of all rules.
            is_tracked: Whether its question is tracked, not asked.
        """
        self.rule = rule
        self._events = RuleEvents(rule, next_id)
        unit = "frames" if is_tracked else "answers"
        self._confirmed = ConfirmedCondition(rule.confirmation, self._events, unit)
        condition = rule.condition
        self._stays = ZoneStays(condition) if isinstance(condition, Presence) else None
        self._spans = (
            MergedSpans(condition, rule.confirmation, self._events)
            if isinstance(condition, Spans)
            else None
        )
        self._crossings = (
            LineCrossings(rule.name, condition, self._events)
            if isinstance(condition, Crossing)
            else None
        )
        # Of tracks a judgement is told when it changes: there is one for each frame.
        self._told: tuple[bool, str, str] | None = None

    @property
    def under_way(self) -> Event | None:
        """The start of the event that is under way, or None."""
        return self._events.under_way

    def answered(self, asked: Asked, answered: Answered) -> list[Output]:
        """Return what an answer tells."""
        if self._spans is not None:
            return self._spans.observe(asked, answered)
        return self._confirmed.observe(judge(self.rule.condition, asked, answered))

    def tracked(self, tracked: Tracked) -> list[Output]:
        """Return what the objects of a frame tell."""
        if self._crossings is not None:
            return self._crossings.observe(tracked)
        if self._stays is None:
            raise AssertionError(f"rule {self.rule.name} has no condition of tracks")
        told = self._confirmed.observe(self._stays.observe(tracked))
        return [each for each in told if not isinstance(each, Judged) or self._is_news(each)]

    def interrupt(self, known_s: float, cause: str) -> list[Output]:
        """End the event that is under way, if any, and begin anew."""
        self._told = None
        if self._stays is not None:
            self._stays.interrupt()
        if self._crossings is not None:
            self._crossings.interrupt()
        if self._spans is not None:
            return self._spans.interrupt(known_s, cause)
        return self._confirmed.interrupt(known_s, cause)

    def _is_news(self, judged: Judged) -> bool:
        told = (judged.holds, judged.found, judged.state)
        is_news, self._told = told != self._told, told
        return is_news
