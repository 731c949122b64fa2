"""What there is to know of a thing, as numbers: inner states of the language model learn it.

An answer says one or two of these facts. Told all of them at every mention of a thing, the model
learns in minutes to find a thing in the video and to follow it through time.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from training.tasks.positions import to_position
from training.world import Scene, Thing, Truth
from training.world.scene import ACTIONS, COLORS, DIRECTIONS, KINDS, SIZES

IGNORED = -100
_WAYS = (*DIRECTIONS, "none")
_STATES = (*DIRECTIONS, "still", "grow", "shrink")
# How many answers each fact has.
CLASS_COUNTS: dict[str, int] = {
    "count": 4,
    "kind": len(KINDS),
    "color": len(COLORS),
    "final_color": len(COLORS),
    "size": len(SIZES) + 1,
    "action": len(ACTIONS),
    "direction": len(_WAYS),
    "second_direction": len(_WAYS),
    "state": len(_STATES),
    "true": 2,
}
CLASS_NAMES = tuple(CLASS_COUNTS)
# When its first event begins, its last one ends, and it turns or takes another colour.
TIME_NAMES = ("start", "end", "change")
# Every pair of a colour and a kind: whether there is such a thing.
LOOKS = tuple(product(COLORS, KINDS))
# Of a frame's side or of the picture's scale, within a pair of frames.
_LEAST_CHANGE = 0.012


@dataclass(frozen=True)
class Facts:
    """Facts of some things or places.

    Attributes:
        classes: Which answer each fact has, int64 [M, len(CLASS_NAMES)]; IGNORED where unknown.
        times: Positions among the clip's frames, 0 to 1, float32 [M, len(TIME_NAMES)]; NaN where
            there is none.
    """

    classes: NDArray[np.int64]
    times: NDArray[np.float32]


def unknown(count: int) -> Facts:
    """Facts that say nothing."""
    return Facts(
        np.full((count, len(CLASS_NAMES)), IGNORED, np.int64),
        np.full((count, len(TIME_NAMES)), np.nan, np.float32),
    )


def stacked(parts: list[Facts]) -> Facts:
    """Facts behind one another."""
    if not parts:
        return unknown(0)
    return Facts(
        np.concatenate([part.classes for part in parts]),
        np.concatenate([part.times for part in parts]),
    )


def one_class(name: str, value: int) -> Facts:
    """A single fact."""
    facts = unknown(1)
    facts.classes[0, CLASS_NAMES.index(name)] = value
    return facts


def facts_until(truth: Truth, thing_idx: int, time: float = 1.0) -> Facts:
    """All that can be known of a thing at a fraction of the clip, from what it did until then.

    Args:
        truth: The scene's truth.
        thing_idx: Which thing.
        time: Fraction of the clip; 1 for all of it.
    """
    thing = truth.scene.things[thing_idx]
    events = [span.event for span in truth.spans if span.thing == thing_idx]
    begun = [event for event in events if event.start <= time]
    ended = [event.end for event in events if event.end <= time]
    going = thing.action == "hide" and time > thing.path[0][0]
    ways = [event.direction for event in (begun or (events if going else [])) if event.direction]
    facts = one_class("count", 1)
    known = {
        "kind": KINDS.index(thing.kind),
        "color": COLORS.index(thing.color),
        "final_color": COLORS.index(thing.color_at(time)),
        "size": len(SIZES) if thing.size is None else SIZES.index(thing.size),
        "action": ACTIONS.index(_action(thing, {event.kind for event in begun}, going)),
        "direction": _WAYS.index(ways[0]) if ways else _WAYS.index("none"),
        "second_direction": _WAYS.index(ways[-1] if "turn" in {e.kind for e in begun} else "none"),
    }
    for name, value in known.items():
        facts.classes[0, CLASS_NAMES.index(name)] = value
    changes = [event.start for event in begun if event.kind in ("turn", "recolor")]
    times = (begun[0].start if begun else None, max(ended, default=None), *changes[:1])
    fractions = truth.scene.fractions()
    for k, each in enumerate(times):
        if each is not None:
            facts.times[0, k] = to_position(each, fractions)
    return facts


def _action(thing: Thing, begun: set[str], going: bool) -> str:
    if thing.action in begun or thing.action == "stay":
        return thing.action
    return "move" if begun or going else "stay"


def state_between(thing: Thing, first: float, last: float) -> int:
    """What a thing does between two fractions of the clip, as the number of a state."""
    before, after = thing.places(np.array([first, last]))
    change = after - before
    if abs(change[2]) > _LEAST_CHANGE / 4 and thing.action in ("grow", "shrink"):
        return _STATES.index("grow" if change[2] > 0 else "shrink")
    steps = tuple(int(np.sign(part)) if abs(part) > _LEAST_CHANGE else 0 for part in change[:2])
    for way, step in DIRECTIONS.items():
        if step == steps:
            return _STATES.index(way)
    return _STATES.index("still")


def cell_facts(truth: Truth, things: NDArray[np.int64], frame_idxs: NDArray[np.int64]) -> Facts:
    """What is known at each video token of the thing that it shows.

    Args:
        truth: The scene's truth.
        things: Which thing each cell shows in each frame pair, int64 [P, cells]; -1 for none.
        frame_idxs: Frames of the pairs, int64 [2 * P].

    Returns:
        Facts of P * cells tokens.
    """
    times = truth.scene.fractions()[frame_idxs].reshape(-1, 2)
    facts = unknown(things.size)
    by_pair = things.reshape(len(times), -1)
    cells = by_pair.shape[1]
    facts.classes[:, CLASS_NAMES.index("count")] = (things.ravel() >= 0).astype(np.int64)
    for pair, (first, last) in enumerate(times):
        for i in np.unique(by_pair[pair][by_pair[pair] >= 0]):
            told = facts_until(truth, int(i), float(last))
            state = state_between(truth.scene.things[i], float(first), float(last))
            told.classes[0, CLASS_NAMES.index("state")] = state
            rows = pair * cells + np.flatnonzero(by_pair[pair] == i)
            facts.classes[rows], facts.times[rows] = told.classes[0], told.times[0]
    return facts


def looks_shown(scene: Scene) -> NDArray[np.float32]:
    """Whether there is a thing of each colour and kind, float32 [len(LOOKS)]."""
    shown = {(color, t.kind) for t in scene.things for color in (t.color, t.final_color)}
    return np.array([look in shown for look in LOOKS], np.float32)
