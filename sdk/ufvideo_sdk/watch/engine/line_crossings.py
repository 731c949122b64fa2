"""Which tracked objects cross a line, and which way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ufvideo_sdk.questions.shapes import Point, anchor_of
from ufvideo_sdk.tracking.event_detector import has_lasted
from ufvideo_sdk.watch.engine.facts import Crossed, Output, Tracked
from ufvideo_sdk.watch.engine.rule_events import RuleEvents, Seen
from ufvideo_sdk.watch.rules.rule import Crossing

# Ids never come back; an object that is not seen for so long is forgotten, so that memory is
# bounded. Occlusions last seconds.
_FORGET_S = 60.0


@dataclass
class _Way:
    """Where an object was last seen beside the line, and a crossing that has not settled."""

    point: Point
    side: int
    seen_s: float
    pending: Seen | None = None


class LineCrossings:
    """Makes an event of the crossings of a line that settle on the same frame.

    An object crosses when the way from where it was seen last to where it is seen now passes
    between the line's ends, also where it was not seen in between. A point on the line belongs to
    the side it came from. A crossing counts when the object has not come back for `settle_s`.
    """

    def __init__(self, rule: str, condition: Crossing, events: RuleEvents) -> None:
        """Begin without an object.

        Args:
            rule: Name of the rule.
            condition: What counts.
            events: Of the rule.
        """
        self._rule = rule
        self._condition = condition
        self._events = events
        self._ways: dict[int, _Way] = {}
        self._num_in = 0
        self._num_out = 0

    def observe(self, tracked: Tracked) -> list[Output]:
        """Return what the objects of one more frame tell, in the order in which it is told."""
        for each in tracked.objects:
            self._move(each.id, anchor_of(each.box, self._condition.anchor), tracked)
        crossed = list(self._settled(tracked.time_s))
        self._ways = {
            idx: way
            for idx, way in self._ways.items()
            if not has_lasted(way.seen_s, tracked.time_s, _FORGET_S)
        }
        wanted = [each for each in crossed if self._is_wanted(each)]
        told: list[Output] = [*crossed]
        return told + self._event(wanted, tracked) if wanted else told

    def interrupt(self) -> None:
        """Forget where every object was: nobody knows what it did meanwhile."""
        self._ways.clear()

    def _move(self, idx: int, point: Point, tracked: Tracked) -> None:
        side, way = self._condition.line.side(point), self._ways.get(idx)
        if way is None:
            if side != 0:
                self._ways[idx] = _Way(point, side, tracked.time_s)
            return
        way.seen_s = tracked.time_s
        if side == 0:
            return
        if side != way.side:
            is_crossing = self._condition.line.is_crossed(way.point, point)
            has_come_back = way.pending is not None
            way.pending = None
            if is_crossing and not has_come_back:
                way.pending = Seen(tracked.frame_idx, tracked.time_s, True, "", (idx,))
        way.point, way.side = point, side

    def _settled(self, time_s: float) -> Iterator[Crossed]:
        """The crossings that count from now on, in the order of the objects' ids."""
        line = self._condition.line
        for idx, way in sorted(self._ways.items()):
            pending = way.pending
            if pending is None or not has_lasted(pending.time_s, time_s, self._condition.settle_s):
                continue
            way.pending = None
            is_in = line.inside is None or way.side > 0
            self._num_in += is_in
            self._num_out += not is_in
            yield Crossed(
                rule=self._rule,
                line=self._condition.line_name,
                object_id=idx,
                direction="any" if line.inside is None else "in" if is_in else "out",
                frame_idx=pending.frame_idx,
                time_s=pending.time_s,
                num_in=self._num_in,
                num_out=self._num_out,
            )

    def _is_wanted(self, crossed: Crossed) -> bool:
        return self._condition.direction in ("any", crossed.direction)

    def _event(self, crossed: list[Crossed], tracked: Tracked) -> list[Output]:
        times = [each.time_s for each in crossed]
        evidence = [
            Seen(each.frame_idx, each.time_s, True, "", (each.object_id,)) for each in crossed
        ]
        found = self._words(crossed)
        seen = Seen(tracked.frame_idx, tracked.time_s, True, found)
        if self._events.is_cooling(min(times)):
            return [self._events.judged(seen, "cool-down", 1, 1)]
        start = self._events.start(tracked.time_s, min(times), found, evidence)
        span_s = (min(times), max(times))
        end = self._events.end(tracked.time_s, span_s, "a crossing is a moment", evidence)
        return [self._events.judged(seen, "start", 1, 1), start, end]

    def _words(self, crossed: list[Crossed]) -> str:
        ids = ", ".join(str(each.object_id) for each in crossed)
        objects = f"object {ids}" if len(crossed) == 1 else f"objects {ids}"
        ways = sorted({each.direction for each in crossed} - {"any"})
        way = f" {' and '.join(ways)}" if ways else ""
        return f"{objects} crossed {self._condition.line_name}{way}"
