"""How many tracked objects are in a zone."""

from __future__ import annotations

from dataclasses import dataclass

from ufvideo_sdk.questions.shapes import anchor_of
from ufvideo_sdk.tracking.event_detector import has_lasted
from ufvideo_sdk.watch.engine.facts import FoundObject, Tracked
from ufvideo_sdk.watch.engine.rule_events import Seen
from ufvideo_sdk.watch.rules.rule import Presence


@dataclass
class _Stay:
    """An object's stay in the zone."""

    since_s: float
    seen_s: float


class ZoneStays:
    """Follows which tracked objects are in a zone, and for how long.

    An object that is not seen stays until it has not been seen for `lost_s`; one that is seen
    outside has left.
    """

    def __init__(self, condition: Presence) -> None:
        """Begin with an empty zone."""
        self._condition = condition
        self._stays: dict[int, _Stay] = {}

    def observe(self, tracked: Tracked) -> Seen:
        """Return what the objects of one more frame say about the condition."""
        time_s, condition = tracked.time_s, self._condition
        for each in tracked.objects:
            if not is_in_zone(condition, each):
                self._stays.pop(each.id, None)
            elif each.id in self._stays:
                self._stays[each.id].seen_s = time_s
            else:
                self._stays[each.id] = _Stay(time_s, time_s)
        self._stays = {
            idx: stay
            for idx, stay in self._stays.items()
            if stay.seen_s == time_s or not has_lasted(stay.seen_s, time_s, condition.lost_s)
        }
        ids = sorted(
            idx
            for idx, stay in self._stays.items()
            if has_lasted(stay.since_s, time_s, condition.dwell_s)
        )
        found = presence_words(condition, len(ids))
        holds = condition.number.holds(len(ids))
        return Seen(tracked.frame_idx, time_s, holds, found, tuple(ids))

    def interrupt(self) -> None:
        """Forget who is in the zone: nobody knows who left it meanwhile."""
        self._stays.clear()


def is_in_zone(condition: Presence, found: FoundObject) -> bool:
    """Whether the point that stands for an object lies in the zone."""
    zone = condition.zone
    return zone is None or zone.contains(anchor_of(found.box, condition.anchor))


def presence_words(condition: Presence, number: int) -> str:
    """Return how many objects are in the zone, in words."""
    where = f"in {condition.zone_name}" if condition.zone_name else "in the picture"
    stay = f" for {condition.dwell_s:g} s or more" if condition.dwell_s else ""
    what = "1 object is" if number == 1 else f"{number} objects are"
    return f"{what} {where}{stay}"
