"""What is true of a scene: when events happen, in frames and seconds, and who is seen when."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from training.world.render import cover
from training.world.rendered import places_px
from training.world.scene import Event, Scene

# Times at which it is looked who is seen.
NUM_LOOKS = 16
# Steps of a time token: hiding is searched for no finer than it can be said.
_NUM_STEPS = 99
# Less than this part of a thing in sight counts as hidden: about two pixels of the smallest one.
_HIDDEN_SHARE = 0.01


@dataclass(frozen=True)
class EventSpan:
    """When an event of a thing happens.

    Attributes:
        thing: Index of the thing.
        event: The event; its start and end are corrected to what can be seen.
        start_s: Seconds of the clip.
        end_s: Seconds of the clip; equal to start_s for a moment.
        first_frame: First frame shown at or after the start.
        last_frame: Last frame shown at or before the end, first_frame at least.
    """

    thing: int
    event: Event
    start_s: float
    end_s: float
    first_frame: int
    last_frame: int


class Truth:
    """The truth of a scene that questions are asked about.

    Attributes:
        scene: The scene.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    @cached_property
    def look_times(self) -> NDArray[np.float64]:
        """Fractions of the clip at which `shares` was measured, float64 [NUM_LOOKS]."""
        fractions = self.scene.fractions()
        idxs = np.rint(np.linspace(0, len(fractions) - 1, NUM_LOOKS)).astype(int)
        return np.asarray(fractions[idxs])

    @cached_property
    def look_frames(self) -> NDArray[np.int64]:
        """Frames at `look_times`, int64 [NUM_LOOKS]."""
        return np.rint(np.linspace(0, self.scene.num_frames - 1, NUM_LOOKS)).astype(np.int64)

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """Part of each thing that is seen at each look, float64 [K, NUM_LOOKS]."""
        return seen_shares(self.scene, self.look_times)

    @cached_property
    def spans(self) -> tuple[EventSpan, ...]:
        """Every event of every thing, by thing, then time."""
        return tuple(
            self._span(i, event)
            for i, thing in enumerate(self.scene.things)
            for event in thing.events
        )

    def of(self, thing: int, kind: str) -> tuple[EventSpan, ...]:
        """The events of one kind that happen to a thing."""
        return tuple(s for s in self.spans if s.thing == thing and s.event.kind == kind)

    def frame_at(self, time: float) -> int:
        """The frame shown nearest to a fraction of the clip."""
        return int(np.abs(self.scene.fractions() - time).argmin())

    def _span(self, thing: int, event: Event) -> EventSpan:
        if event.kind == "hide":
            start, end = self._out_of_sight(thing, event)
            event = Event("hide", start, end, event.direction, event.other)
        scene, fractions = self.scene, self.scene.fractions()
        first = int(np.searchsorted(fractions, event.start - 1e-9))
        last = int(np.searchsorted(fractions, event.end + 1e-9, side="right")) - 1
        first = min(first, scene.num_frames - 1)
        return EventSpan(
            thing=thing,
            event=event,
            start_s=scene.times_s[0] + event.start * scene.duration_s,
            end_s=scene.times_s[0] + event.end * scene.duration_s,
            first_frame=first,
            last_frame=max(last, first),
        )

    def _out_of_sight(self, thing: int, event: Event) -> tuple[float, float]:
        """When nothing of a thing that goes behind another is seen, from pixels."""
        times = np.linspace(0, 1, _NUM_STEPS + 1)
        near = (times >= event.start - 0.15) & (times <= event.end + 0.15)
        times = times[near]
        hidden = seen_shares(self.scene, times)[thing] < _HIDDEN_SHARE
        hidden &= (times > 0) & (times < 1)
        if not hidden.any():
            raise ValueError(
                f"seed {self.scene.seed}: expected thing {thing} to be hidden between"
                f" {event.start:.2f} and {event.end:.2f}, it never is"
            )
        seen = times[hidden]
        return float(seen[0]), float(seen[-1])


def seen_shares(scene: Scene, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Part of each thing's whole area that is in the frame and not behind another.

    Args:
        scene: The scene.
        times: Fractions of the clip, float64 [F].

    Returns:
        float64 [K, F], 0 to about 1.
    """
    places = places_px(scene, times)
    height, width = scene.height, scene.width
    shares = np.zeros(places.shape[:2])
    order = sorted(range(len(scene.things)), key=lambda i: -scene.things[i].depth)
    whole = {thing.kind: unit_area(thing.kind) for thing in scene.things}
    for f in range(len(times)):
        free: NDArray[np.bool_] | None = None
        for i in order:
            kind = scene.things[i].kind
            covering = cover(kind, places[i, f], height, width)
            if covering is None:
                continue
            rows, columns, part = covering
            own = part >= 0.5
            if free is None:
                free = np.ones((height, width), np.bool_)
            seen = np.count_nonzero(own & free[rows, columns])
            shares[i, f] = seen / (whole[kind] * places[i, f, 2] ** 2)
            free[rows, columns] &= ~own
    return shares


@cache
def unit_area(kind: str) -> float:
    """Area of a kind of radius 1, from a large drawing of it."""
    radius = 60.0
    covering = cover(kind, np.array([100.0, 100.0, radius]), 200, 200)
    if covering is None:
        raise ValueError(f"kind: expected one that fills pixels, got {kind!r}")
    return float(covering[2].sum()) / radius**2
