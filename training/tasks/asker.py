"""What every family of questions needs to know of a scene."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from training.tasks.facts import (
    Condition,
    Holds,
    Noun,
    conditions_of,
    nothing,
    nouns_of,
    the_one,
)
from training.tasks.task import Draft, RegionPrompt, Task, TaskKind
from training.world.scene import COLORS, KINDS, Thing
from training.world.truth import Truth

# A region is shown where at least this part of the thing is seen.
REGION_SHARE = 0.7
MAX_REGION_FRAMES = 6
_NUM_ABSENT = 4

Drafts = Iterator[Draft]


@dataclass(frozen=True)
class Reference:
    """A name that means one thing of a scene."""

    thing: int
    noun: Noun


class Asker:
    """A scene seen by someone who asks about it.

    Attributes:
        truth: The truth of the scene.
        rng: Where wordings and wrong options are drawn from.
    """

    def __init__(self, truth: Truth, rng: np.random.Generator) -> None:
        self.truth = truth
        self.rng = rng

    @property
    def things(self) -> tuple[Thing, ...]:
        """The things of the scene."""
        return self.truth.scene.things

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """Every name that means one thing."""
        return tuple(
            Reference(i, noun)
            for i in range(len(self.things))
            for noun in nouns_of(self.truth.scene, i)
        )

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Everything that may hold of a thing."""
        return conditions_of(self.truth)

    @cached_property
    def told(self) -> tuple[tuple[int, Condition], ...]:
        """Conditions that hold of exactly one thing, with it."""
        pairs = ((the_one(condition.holds), condition) for condition in self.conditions)
        return tuple((i, condition) for i, condition in pairs if i is not None)

    @cached_property
    def untrue(self) -> tuple[Condition, ...]:
        """Conditions that hold of nothing."""
        return tuple(condition for condition in self.conditions if nothing(condition.holds))

    @cached_property
    def absent_nouns(self) -> tuple[Noun, ...]:
        """Some names that fit nothing in the scene; most share a word with something in it."""
        missing = [
            noun
            for noun in (Noun(color=c, kind=k) for c, k in product(COLORS, KINDS))
            if nothing(noun.holds(thing) for thing in self.things)
        ]
        shown = {word for t in self.things for word in (t.kind, t.color, t.final_color)}
        near = [noun for noun in missing if shown & {noun.color, noun.kind}]
        kinds = [Noun(kind=k) for k in KINDS if all(k != thing.kind for thing in self.things)]
        chosen = [*self.some(near, _NUM_ABSENT - 1), *self.some(missing, 1), *self.some(kinds, 1)]
        return tuple(dict.fromkeys(chosen))

    def some(self, choices: Sequence[Noun], count: int) -> list[Noun]:
        """A few of the choices, without repetition."""
        order = self.rng.permutation(len(choices))[:count]
        return [choices[int(i)] for i in order]

    def true_of(self, thing: int, holds: Holds) -> list[Condition]:
        """Conditions with a verb that certainly do, or do not, hold of a thing."""
        return [c for c in self.conditions if c.plain is not None and c.holds[thing] is holds]

    def region(self, thing: int, num_frames: int) -> RegionPrompt | None:
        """A thing on one or more frames where it is well seen; None where there is none."""
        looks = np.flatnonzero(self.truth.shares[thing] >= REGION_SHARE)
        frames = np.unique(self.truth.look_frames[looks])
        if not frames.size:
            return None
        count = min(num_frames, len(frames), MAX_REGION_FRAMES)
        chosen = np.sort(self.rng.choice(frames, count, replace=False))
        return RegionPrompt(thing, tuple(int(frame) for frame in chosen))

    def regions(self, things: Iterable[int]) -> tuple[RegionPrompt, ...] | None:
        """A region for each thing: half of the time one frame, else several."""
        num_frames = 1 if self.rng.random() < 0.5 else int(self.rng.integers(2, 7))
        found = [self.region(thing, num_frames) for thing in things]
        return None if None in found else tuple(region for region in found if region)

    def absent(self, kind: TaskKind, questions: Sequence[str], missing: str) -> Draft:
        """A draft that asks for something that is not there."""
        answer = f"There is no {missing} in the video."
        task = Task(kind, questions[0], answer, absent=True)
        return Draft(tuple((question, answer) for question in questions), task)


def ask(kind: TaskKind, questions: Sequence[str], answer: str, *scored: str) -> Draft:
    """A draft whose wordings share one answer, checked for some categories of words."""
    task = Task(kind, questions[0], answer, scored=frozenset(scored))
    return Draft(tuple((question, answer) for question in questions), task)
