"""Which things play in a scene, and where: they keep clear of one another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.world.actions import ALONE, Course, Draw
from training.world.encounters import SCREENS, collide, hide
from training.world.scene import SIZES, Thing

ENCOUNTERS = ("collide", "hide")
# How often an action is drawn against the others.
_WEIGHTS = {"stay": 1.5, "move": 3.0, "turn": 1.5, "hide": 2.5, "collide": 2.5}
# Where something is hit, nothing else may seem to be.
_CLEAR_OF_COLLISIONS = 1.3
_RESTARTS = 6
_TRIES = 16
_CHECKED_TIMES = np.linspace(0.0, 1.0, 17)


@dataclass(frozen=True)
class Part:
    """What a thing is to be, before it has a place."""

    kind: str
    color: str
    next_color: str
    size: str
    action: str


def cast(draw: Draw, count: int) -> tuple[Thing, ...]:
    """Draw things that keep clear of one another, ordered from left to right as they begin.

    Args:
        draw: The scene's source of chance.
        count: How many; there are fewer where the frame has no room for them.
    """
    parts = _parts(draw, count)
    for _ in range(_RESTARTS):
        things = _place(draw, parts)
        if things is not None:
            return _in_order(things)
    return cast(draw, max(count - 1, 1))


def _parts(draw: Draw, count: int) -> list[Part]:
    """Kinds, colours, sizes and actions: no two things ever look alike, one pair meets at most."""
    rng, limits = draw.rng, draw.limits
    chosen: list[Part] = []
    met = False
    while len(chosen) < count:
        kind = draw.pick(limits.kinds)
        # Things that share a kind or a colour make the harder, more telling questions.
        if chosen and rng.random() < 0.35:
            kind = chosen[0].kind
        first, second = (limits.colors[i] for i in rng.permutation(len(limits.colors))[:2])
        if chosen and rng.random() < 0.2:
            first = chosen[0].color
        seen = {(p.kind, c) for p in chosen for c in (p.color, p.next_color)}
        if first == second or seen & {(kind, first), (kind, second)}:
            continue
        action = "stay" if met and len(chosen) == 1 else _action(draw)
        if action in ENCOUNTERS:
            if chosen or count == 1:
                continue
            met = True
        size = SIZES[int(rng.random() < (0.5 if count < 3 else 0.35))]
        chosen.append(Part(kind, first, second, size, action))
    if met and chosen[0].action == "hide":
        others = {part.kind for part in chosen if part is not chosen[1]}
        screens = tuple(kind for kind in SCREENS if kind not in others)
        if not screens:
            return _parts(draw, count)
        chosen[0] = replace(chosen[0], size="small")
        chosen[1] = replace(chosen[1], size="large", kind=draw.pick(screens))
    return chosen


def _action(draw: Draw) -> str:
    actions = draw.limits.actions
    weights = np.array([_WEIGHTS.get(action, 1.0) for action in actions])
    return actions[int(draw.rng.choice(len(actions), p=weights / weights.sum()))]


def _courses(draw: Draw, parts: list[Part]) -> Iterator[list[Course]]:
    """Courses of the first things that belong together, endlessly, then of each other one."""
    lead = parts[0]
    while True:
        if lead.action in ENCOUNTERS:
            if lead.action == "hide":
                pair = hide(draw, 1)
            else:
                radii = (draw.size(lead.size), draw.size(parts[1].size))
                pair = collide(draw, radii, (lead.kind, parts[1].kind), 1)
            yield [] if pair is None else list(pair)
        else:
            alone = replace(draw, colors=(lead.next_color,))
            yield [ALONE[lead.action](alone, draw.size(lead.size))]


def _place(draw: Draw, parts: list[Part]) -> list[Thing] | None:
    """Place one thing, or one pair, after another; None when one finds no room."""
    count = len(parts)
    depths = draw.rng.permutation(count).tolist()
    if parts[0].action in ENCOUNTERS and depths[0] > depths[1]:
        depths[0], depths[1] = depths[1], depths[0]
    crowding = draw.limits.crowding
    if parts[0].action == "collide":
        crowding = max(crowding, _CLEAR_OF_COLLISIONS)
    things: list[Thing] = []
    places: list[NDArray[np.float64]] = []
    while len(things) < count:
        rest = parts[len(things) :]
        for courses, _ in zip(_courses(draw, rest), range(_TRIES), strict=False):
            new = [
                _thing(draw, part, course, depths[len(things) + i])
                for i, (part, course) in enumerate(zip(rest, courses, strict=False))
            ]
            at = [thing.places(_CHECKED_TIMES) for thing in new]
            if new and all(
                _clear(draw, crowding, (place, other)) for place in at for other in places
            ):
                things += new
                places += at
                break
        else:
            return None
    return things


def _thing(draw: Draw, part: Part, course: Course, depth: int) -> Thing:
    tint = draw.rng.uniform(0.88, 1.0, 3)
    return Thing(
        kind=part.kind,
        color=part.color,
        size=None if part.action in ("grow", "shrink") else part.size,
        action=part.action,
        path=course.path,
        radii=course.radii,
        depth=depth,
        tint=(float(tint[0]), float(tint[1]), float(tint[2])),
        events=course.events,
    )


def _clear(
    draw: Draw, crowding: float, places: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> bool:
    """Whether two things that have nothing to do with each other never come too close."""
    first, second = places
    ways = (first[:, :2] - second[:, :2]) / np.asarray(draw.stretch)
    apart = crowding * (first[:, 2] + second[:, 2])
    return bool(((ways**2).sum(axis=1) >= apart**2).all())


def _in_order(things: list[Thing]) -> tuple[Thing, ...]:
    """From left to right as they begin; events keep pointing at the right things."""
    order = sorted(range(len(things)), key=lambda i: things[i].path[0][1])
    new_idx = {old: new for new, old in enumerate(order)}
    return tuple(
        replace(
            things[old],
            events=tuple(
                event if event.other is None else replace(event, other=new_idx[event.other])
                for event in things[old].events
            ),
        )
        for old in order
    )
