"""Other words for what a thing does: "moves left" is "goes to the left", "is moving left"."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from training.wordings.patterns import all_texts, expanded

# How often an act is said in the canonical words.
_PLAIN_SHARE = 0.45
# A side or a way, in other words.
_WAYS = {
    "left": "[left|to the left|leftwards|left]",
    "right": "[right|to the right|rightwards|right]",
    "up": "[up|upwards|up]",
    "down": "[down|downwards|down]",
    "up-left": "[up-left|up and left|to the upper left]",
    "up-right": "[up-right|up and right|to the upper right]",
    "down-left": "[down-left|down and left|to the lower left]",
    "down-right": "[down-right|down and right|to the lower right]",
}
# What an act is, after "does it", and the same in other words; what is in parentheses stays.
_ACTS: tuple[tuple[str, str], ...] = (
    ("stay still", "[stand still|remain still|keep still|stay put|stay in place]"),
    ("grow", "[get bigger|get larger|become bigger|become larger|increase in size]"),
    ("shrink", "[get smaller|become smaller|decrease in size]"),
    ("change color", "[change its color|switch color|get another color|take another color]"),
    ("change to (.+)", "[turn {0}|become {0}|change its color to {0}|switch to {0}]"),
    (
        "enter from the (.+)",
        "[come in from the {0}|come from the {0}|enter from {0}|enter at the {0}]",
    ),
    ("leave to the (.+)", "[go out to the {0}|exit to the {0}|leave at the {0}|go out on the {0}]"),
    (
        "enter the frame",
        "[come in|enter|come into view|enter the [picture|scene]|come into the [frame|picture]]",
    ),
    (
        "leave the frame",
        "[go out|leave|go out of view|exit|leave the [picture|scene]|go out of the frame]",
    ),
    ("change direction", "[turn|make a turn|change its direction|turn around]"),
    ("hit another object", "[bump into|collide with|touch|hit] another [object|thing|one]"),
    (
        "go behind another object",
        "[pass behind|hide behind|disappear behind|go behind] another [object|thing|one]",
    ),
    ("hit the (.+)", "[bump into|collide with|touch|hit] [the|the|a] {0}"),
    ("(?:hide|go) behind the (.+)", "[pass|hide|disappear|go] behind the {0}"),
    ("move (\\S+) and then (\\S+)", "[go|move|travel] {0}[ and then|, then| then| and] {1}"),
    ("move (\\S+)", "[go|travel|head|move|move] {way}"),
    ("move", "[move around|go somewhere|travel|move at all|move anywhere]"),
    ("stop", "[come to a stop|stop moving|come to rest]"),
    ("stop (first|last)", "[come to a stop|stop moving|come to rest] {0}"),
    ("start moving (first|last)", "[begin to move|start to move|begin moving|move] {0}"),
)
_ACT_FORMS = tuple((re.compile(act), others) for act, others in _ACTS)
# Of the third person: what a thing is.
_BEING: tuple[tuple[str, str], ...] = (
    ("is leftmost at the (.+)", "is [furthest left|most to the left|the leftmost one] {when}"),
    ("is rightmost at the (.+)", "is [furthest right|most to the right|the rightmost one] {when}"),
    ("is highest at the (.+)", "is [highest|at the top|the highest one|furthest up] {when}"),
    ("is lowest at the (.+)", "is [lowest|at the bottom|the lowest one|furthest down] {when}"),
    ("is largest", "is [the largest|biggest|the biggest|the largest one|the biggest of all]"),
    ("is smallest", "is [the smallest|the smallest one|the smallest of all]"),
    ("stops first", "is the first to stop"),
    ("stops last", "is the last to stop"),
    ("starts moving first", "is the first to move"),
    ("starts moving last", "is the last to move"),
)
_BEING_FORMS = tuple((re.compile(act), others) for act, others in _BEING)
WHENS = {
    "start": "[at the start|at the beginning|in the beginning|at first]",
    "end": "[at the end|in the end|at the end|finally]",
}
_THIRD = {"go": "goes", "pass": "passes", "touch": "touches", "switch": "switches"}
_PLAIN = {third: first for first, third in _THIRD.items()}
_DOUBLED = frozenset({"hit", "stop", "get", "run", "put", "begin"})


def third(act: str) -> str:
    """An act in the third person: "go left" becomes "goes left"."""
    first, _, rest = act.partition(" ")
    return f"{_THIRD.get(first, first + 's')} {rest}".strip()


def progressive(act: str) -> str:
    """An act that is under way: "go left" becomes "going left"."""
    first, _, rest = act.partition(" ")
    if first in _DOUBLED:
        first += first[-1]
    stem = first[:-1] if first.endswith("e") else first
    return f"{stem}ing {rest}".strip()


def plain(act: str) -> str:
    """An act of the third person after "does it": "goes left" becomes "go left"."""
    first, _, rest = act.partition(" ")
    return f"{_PLAIN.get(first, first.removesuffix('s'))} {rest}".strip()


def other_words(act: str, rng: np.random.Generator, *, being: bool = True) -> str:
    """An act of the third person in other words, or half of the time in the same.

    Args:
        act: As in "moves left", "is largest".
        rng: Chooses the words.
        being: Whether "is the first to stop" will do, which has no other form.
    """
    if rng.random() < _PLAIN_SHARE:
        return act
    for form, others in _BEING_FORMS if being else ():
        match = form.fullmatch(act)
        if match and (act.startswith("is ") or rng.random() < 0.5):
            when = WHENS.get(match[1], "") if match.groups() else ""
            return expanded(others.replace("{when}", when), rng)
    for form, others in _ACT_FORMS:
        match = form.fullmatch(plain(act))
        if match:
            text = others
            for number, group in enumerate(match.groups()):
                text = text.replace(f"{{{number}}}", group).replace(
                    "{way}", _WAYS.get(group, group)
                )
            return third(expanded(text, rng))
    return act


def every_text() -> Iterator[str]:
    """Every act in other words, in all its forms, to find their words."""
    for _, others in _ACTS:
        for text in all_texts(others):
            yield from (text, third(text), progressive(text))
    yield from (others for _, others in _BEING)
    yield from (*_WAYS.values(), *WHENS.values())
