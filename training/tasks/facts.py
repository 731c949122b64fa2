"""Whether something holds of a thing: yes, no, or a person might argue.

Questions are asked only where exactly one thing says yes and none is arguable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from itertools import permutations

import numpy as np

from training.world.scene import DIRECTIONS, Scene, Thing
from training.world.truth import Truth

# Differences that a person sees at a glance.
CLEAR_TIME = 0.12
CLEAR_PLACE = 0.16
CLEAR_SIZE = 1.3
SEEN_SHARE = 0.6
# What hides may have stopped unseen; what grows stops growing.
UNCLEAR_STOPS = frozenset({"hide", "grow", "shrink"})
MOVING = frozenset({"move", "enter", "leave", "turn", "collide", "hide"})


class Holds(Enum):
    """Whether something holds of a thing."""

    YES = 1
    NO = 2
    UNCLEAR = 3


def _of(condition: bool) -> Holds:
    return Holds.YES if condition else Holds.NO


def both(first: Holds, second: Holds) -> Holds:
    """Whether two things hold together."""
    if Holds.NO in (first, second):
        return Holds.NO
    return Holds.UNCLEAR if Holds.UNCLEAR in (first, second) else Holds.YES


def the_one(holds: Iterable[Holds]) -> int | None:
    """Index of the only one that says yes; None where none or several do, or one is unclear."""
    answers = tuple(holds)
    if Holds.UNCLEAR in answers or answers.count(Holds.YES) != 1:
        return None
    return answers.index(Holds.YES)


def nothing(holds: Iterable[Holds]) -> bool:
    """Whether it holds of nothing, beyond doubt."""
    return all(answer is Holds.NO for answer in holds)


@dataclass(frozen=True)
class Noun:
    """What a thing looks like, in words; None where nothing is said."""

    color: str | None = None
    size: str | None = None
    kind: str | None = None

    @property
    def text(self) -> str:
        """The words without article: "small red circle", "red object"."""
        return " ".join(filter(None, (self.size, self.color, self.kind or "object")))

    def holds(self, thing: Thing, time: float | None = None) -> Holds:
        """Whether a thing looks so, in the whole clip or at a fraction of it."""
        answer = Holds.YES
        if self.kind is not None:
            answer = both(answer, _of(thing.kind == self.kind))
        if self.size is not None:
            fits = Holds.UNCLEAR if thing.size is None else _of(thing.size == self.size)
            answer = both(answer, fits)
        if self.color is not None:
            colors = {thing.color, thing.final_color}
            if time is not None:
                colors = {thing.color_at(time)}
            held = _of(self.color in colors)
            answer = both(answer, Holds.UNCLEAR if held is Holds.YES and len(colors) > 1 else held)
        return answer


def nouns_of(scene: Scene, thing_idx: int) -> tuple[Noun, ...]:
    """All names that mean this thing alone, the fullest first."""
    thing = scene.things[thing_idx]
    candidates = (
        Noun(color=thing.color, kind=thing.kind),
        Noun(kind=thing.kind),
        Noun(color=thing.color),
        Noun(size=thing.size or "small", kind=thing.kind),
    )
    return tuple(
        noun
        for noun in candidates
        if the_one(noun.holds(other) for other in scene.things) == thing_idx
    )


@dataclass(frozen=True)
class Condition:
    """Something a thing does or is, as in "moves left".

    Attributes:
        text: The words after "the object that".
        plain: The words after "does the object"; None where English has none.
        holds: For each thing of the scene.
    """

    text: str
    plain: str | None
    holds: tuple[Holds, ...]


def conditions_of(truth: Truth) -> tuple[Condition, ...]:
    """Every condition that questions ask about, whether it holds of something or not."""
    things = truth.scene.things
    simple: tuple[tuple[str, str | None, Callable[[Thing], Holds]], ...] = (
        ("stays still", "stay still", _stays),
        ("grows", "grow", _does("grow")),
        ("shrinks", "shrink", _does("shrink")),
        ("changes color", "change color", _does("recolor")),
        ("enters the frame", "enter the frame", _does("enter")),
        ("leaves the frame", "leave the frame", _does("leave")),
        ("changes direction", "change direction", _does("turn")),
        ("moves", "move", _moves),
    )
    found = [Condition(text, plain, tuple(map(rule, things))) for text, plain, rule in simple]
    close = _come_close(things, truth.scene)
    for action, plain in (
        ("collide", "hit another object"),
        ("hide", "go behind another object"),
    ):
        holds = tuple(
            Holds.YES if t.action == action else Holds.UNCLEAR if near else Holds.NO
            for t, near in zip(things, close, strict=True)
        )
        text = plain.replace("hit", "hits").replace("go ", "goes ")
        found.append(Condition(text, plain, holds))
    for direction in DIRECTIONS:
        holds = tuple(_goes(thing, direction) for thing in things)
        found.append(Condition(f"moves {direction}", f"move {direction}", holds))
    return (*found, *_extremes(truth))


def _does(action: str) -> Callable[[Thing], Holds]:
    return lambda thing: _of(thing.action == action)


def _come_close(things: tuple[Thing, ...], scene: Scene) -> list[bool]:
    """Of each thing, whether it goes by another so close that it might seem to touch it."""
    times = np.linspace(0, 1, 33)
    stretch = np.array([scene.scale_px / scene.width, scene.scale_px / scene.height])
    places = [thing.places(times) for thing in things]
    close = [False] * len(things)
    for i, k in permutations(range(len(things)), 2):
        met = {event.other for event in things[i].events} | {
            event.other for event in things[k].events
        }
        if things[i].action in ("stay", "recolor") or met & {i, k}:
            continue
        apart = np.linalg.norm((places[i][:, :2] - places[k][:, :2]) / stretch, axis=1)
        close[i] |= bool((apart < 1.25 * (places[i][:, 2] + places[k][:, 2])).any())
    return close


def _stays(thing: Thing) -> Holds:
    if thing.action in ("grow", "shrink", "recolor"):
        return Holds.UNCLEAR
    return _of(thing.action == "stay")


def _moves(thing: Thing) -> Holds:
    return Holds.UNCLEAR if thing.action in ("grow", "shrink") else _of(thing.action in MOVING)


def _goes(thing: Thing, direction: str) -> Holds:
    """Coming in, going out and going behind are movements too, but one says them otherwise."""
    ways = {event.direction for event in thing.events if event.direction}
    if direction in ways and thing.action in ("move", "turn", "collide"):
        return Holds.YES
    parts = set(direction.split("-"))
    shared = any(parts & set(way.split("-")) for way in ways)
    return Holds.UNCLEAR if shared else Holds.NO


def _extremes(truth: Truth) -> list[Condition]:
    """First and last, largest and smallest, and the outermost at the start and at the end."""
    things = truth.scene.things
    if len(things) < 2:
        return []
    found = []
    actions = {thing.action for thing in things}
    if not actions & UNCLEAR_STOPS:
        stops = [event.start if (event := t.find("stop")) else None for t in things]
        found += _ends(stops, ("stops first", "stop first"), ("stops last", "stop last"))
        if "enter" not in actions:
            starts = [t.events[0].start if t.action in MOVING else None for t in things]
            first, last = "starts moving first", "starts moving last"
            found += _ends(starts, (first, None), (last, None))
    if all(thing.size for thing in things):
        sizes = [float(np.log(t.radii[0][1]) / np.log(CLEAR_SIZE)) * CLEAR_TIME for t in things]
        found += _ends(list(sizes), ("is smallest", None), ("is largest", None))
    for time, look, when in ((0.0, 0, "start"), (1.0, -1, "end")):
        if (truth.shares[:, look] < SEEN_SHARE).any():
            continue
        places = [t.places(np.array([time]))[0] for t in things]
        for axis, low, high in ((0, "leftmost", "rightmost"), (1, "highest", "lowest")):
            along: list[float | None] = [float(p[axis]) / CLEAR_PLACE * CLEAR_TIME for p in places]
            found += _ends(
                along, (f"is {low} at the {when}", None), (f"is {high} at the {when}", None)
            )
    return found


def _ends(
    values: list[float | None], low: tuple[str, str | None], high: tuple[str, str | None]
) -> list[Condition]:
    """Conditions of the lowest and of the highest value, where they are clearly apart."""
    known = sorted(value for value in values if value is not None)
    if len(known) < 2:
        return []
    found = []
    for (text, plain), best, second in ((low, known[0], known[1]), (high, known[-1], known[-2])):
        clear = abs(best - second) >= CLEAR_TIME
        holds = tuple(
            Holds.NO if value is None else _of(value == best) if clear else Holds.UNCLEAR
            for value in values
        )
        found.append(Condition(text, plain, holds))
    return found


def state_at(truth: Truth, thing_idx: int, time: float) -> str | None:
    """What a thing does at a fraction of the clip, as in "moves left".

    None where it is about to change, or is not seen.
    """
    thing = truth.scene.things[thing_idx]
    near = 0.06
    look = int(np.abs(truth.look_times - time).argmin())
    if truth.shares[thing_idx, max(look - 1, 0) : look + 2].min() < SEEN_SHARE / 2:
        return None
    # A pause out of sight is no state that can be seen; the way there and back is told by events.
    if thing.action == "hide":
        return None
    for event in thing.events:
        if event.start - near < time < event.start + near:
            return None
        if event.end - near < time < event.end + near:
            return None
        if event.start < time < event.end:
            if event.kind in ("grow", "shrink"):
                return f"{event.kind}s"
            return f"moves {event.direction}"
    return "stays still"
