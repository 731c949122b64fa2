"""The events of one rule, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ufvideo_sdk.tracking.event_detector import has_lasted
from ufvideo_sdk.watch.engine.facts import Event, Judged
from ufvideo_sdk.watch.rules.rule import Rule


@dataclass(frozen=True)
class Seen:
    """What an answer, or the objects of a frame, say about a condition.

    Attributes:
        frame_idx: The newest frame that it is about.
        time_s: Its time.
        holds: Whether the condition holds.
        found: What was found, in words.
        object_ids: Tracked objects that make it hold.
    """

    frame_idx: int
    time_s: float
    holds: bool
    found: str
    object_ids: tuple[int, ...] = ()


class RuleEvents:
    """Makes the edges of a rule's events: at most one is under way, and none overlap."""

    def __init__(self, rule: Rule, next_id: Callable[[], int]) -> None:
        """Begin without an event.

        Args:
            rule: The rule.
            next_id: Returns the id of the next event of all rules.
        """
        self._rule = rule
        self._next_id = next_id
        self._start: Event | None = None
        self._last_end_s: float | None = None

    @property
    def under_way(self) -> Event | None:
        """The start of the event that is under way, or None."""
        return self._start

    @property
    def last_end_s(self) -> float | None:
        """When the last event ended; None before one has."""
        return self._last_end_s

    @property
    def free_from_s(self) -> float:
        """The first time at which an event may start: the end of the last one's cool-down."""
        if self._last_end_s is None:
            return float("-inf")
        return self._last_end_s + self._rule.cool_down_s

    def is_cooling(self, time_s: float) -> bool:
        """Whether the time lies in the cool-down of the last event, and none is under way."""
        last_s = self._last_end_s
        return self._start is None and last_s is not None and self.cools(last_s, time_s)

    def cools(self, end_s: float, time_s: float) -> bool:
        """Whether the time lies in the cool-down of an event that ends at `end_s`."""
        cool_down_s = self._rule.cool_down_s
        is_after = time_s > end_s and has_lasted(end_s, time_s, cool_down_s)
        return cool_down_s > 0 and not is_after

    def start(self, known_s: float, start_s: float, reason: str, seen: Iterable[Seen]) -> Event:
        """Start an event.

        Args:
            known_s: The time at which that is known.
            start_s: When it starts.
            reason: Why, in words.
            seen: The evidence.
        """
        seen = tuple(seen)
        self._start = Event(
            edge="start",
            id=self._next_id(),
            rule=self._rule.name,
            known_s=known_s,
            start_s=start_s,
            end_s=None,
            clip_start_s=start_s - self._rule.pre_roll_s,
            clip_end_s=None,
            reason=reason,
            frame_idxs=_ascending(each.frame_idx for each in seen),
            object_ids=_ascending(idx for each in seen for idx in each.object_ids),
        )
        return self._start

    def end(
        self, known_s: float, span_s: tuple[float, float], reason: str, seen: Iterable[Seen] = ()
    ) -> Event:
        """End the event that is under way.

        Args:
            known_s: The time at which that is known.
            span_s: When it starts, which may be earlier than was known, and when it ends.
            reason: Why it ends, in words.
            seen: Evidence beside that of its start.
        """
        seen, start = tuple(seen), self._start
        if start is None:
            raise AssertionError(f"rule {self._rule.name} has no event under way")
        start_s, end_s = span_s
        frames = [*start.frame_idxs, *(each.frame_idx for each in seen)]
        objects = [*start.object_ids, *(idx for each in seen for idx in each.object_ids)]
        self._start, self._last_end_s = None, end_s
        return Event(
            edge="end",
            id=start.id,
            rule=start.rule,
            known_s=known_s,
            start_s=start_s,
            end_s=end_s,
            clip_start_s=start_s - self._rule.pre_roll_s,
            clip_end_s=end_s + self._rule.post_roll_s,
            reason=reason,
            frame_idxs=_ascending(frames),
            object_ids=_ascending(objects),
        )

    def judged(self, seen: Seen, state: str, num_holding: int = 0, num_answers: int = 0) -> Judged:
        """Return what was seen as a fact.

        Args:
            seen: What was seen.
            state: See `Judged.state`.
            num_holding: Of the latest answers, how many hold.
            num_answers: How many these answers are.
        """
        return Judged(
            rule=self._rule.name,
            frame_idx=seen.frame_idx,
            time_s=seen.time_s,
            holds=seen.holds,
            found=seen.found,
            num_holding=num_holding,
            num_answers=num_answers,
            state=state,
        )


def _ascending(numbers: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(numbers)))
