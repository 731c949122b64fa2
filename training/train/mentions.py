"""Where a text speaks of things of a scene, and what is to be known there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from training.tasks import Task
from training.tasks.choice import LETTERS
from training.tasks.facts import Holds, Noun, conditions_of
from training.tasks.lexicon import plural
from training.tasks.score import read_letter
from training.tasks.task import NUM_TIME_TOKENS, TIME_PATTERN
from training.train.thing_facts import (
    CLASS_COUNTS,
    CLASS_NAMES,
    Facts,
    facts_until,
    one_class,
    state_between,
)
from training.world import Truth
from training.world.scene import COLORS, KINDS, SIZES

_PLURALS = {plural(kind): kind for kind in KINDS}
_ANY_KIND = ("objects", "object", "things", "thing")
_NOUN = re.compile(
    rf"(?:\b({'|'.join(SIZES)}) )?(?:\b({'|'.join(COLORS)}) )?"
    rf"\b({'|'.join((*_PLURALS, *KINDS, *_ANY_KIND))})\b(?!_)"
)
# Not where a label is given: what it stands for comes behind it.
_LABEL = re.compile(r"\bobject_(\d)(?!: \[)")
# Parts of the clip around a time, in which is looked what a thing does.
_NEAR = 0.02


@dataclass(frozen=True)
class Mention:
    """A place of a text.

    Attributes:
        end: Character behind its last one.
        facts: What is known there, of one row.
        thing: The one thing meant; None where there is none, or several.
    """

    end: int
    facts: Facts
    thing: int | None = None


class Mentions:
    """Finds mentions of a scene's things."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._conditions = {c.text: c for c in conditions_of(truth)}
        texts = sorted(self._conditions, key=len, reverse=True)
        self._condition = re.compile(
            rf"\bobject(?: that)? ({'|'.join(map(re.escape, texts))})(?![\w-])"
        )
        self._whole = [facts_until(truth, i) for i in range(len(truth.scene.things))]

    def phrases(self) -> list[str]:
        """Words that mean a thing by what it does: "object that moves left"."""
        return [f"object that {text}" for text in self._conditions]

    def of_thing(self, thing: int) -> Facts:
        """What is known of a thing at the clip's end."""
        return self._whole[thing]

    def at_question_time(self, thing: int, task: Task) -> Facts:
        """What is known of a thing before the answer, with what it does at the time asked about."""
        whole = self._whole[thing]
        times = TIME_PATTERN.findall(task.question)
        if len(times) != 1:
            return whole
        time = int(times[0]) / (NUM_TIME_TOKENS - 1)
        state = state_between(self._truth.scene.things[thing], time - _NEAR, time + _NEAR)
        classes = whole.classes.copy()
        classes[0, CLASS_NAMES.index("state")] = state
        return Facts(classes, whole.times)

    def find(self, text: str, task: Task | None) -> list[Mention]:
        """Mentions of a question, or of an answer.

        Args:
            text: The words.
            task: What they belong to; None for words that stand alone.
        """
        found = [*self._nouns(text), *self._told(text)]
        if task is not None:
            found += self._labels(text, task)
        return sorted(found, key=lambda mention: mention.end)

    def options(self, task: Task) -> list[Mention]:
        """Whether each option of a question is the right one, told where it ends."""
        if not task.options:
            return []
        right = read_letter(task.answer, task.options)
        found = []
        place = 0
        for letter, option in zip(LETTERS, task.options, strict=False):
            # "(A) left", or as people write it: "A. left".
            written = re.compile(rf"{letter}[).:] {re.escape(option)}")
            match = written.search(task.question, place)
            if match is None:
                raise ValueError(f"question: expected the option {option!r}, got {task.question!r}")
            place = match.end()
            found.append(Mention(place, one_class("true", int(letter == right))))
        return found

    def _nouns(self, text: str) -> Iterator[Mention]:
        things = self._truth.scene.things
        for match in _NOUN.finditer(text.lower()):
            size, color, word = match.groups()
            kind = _PLURALS.get(word, word)
            noun = Noun(size=size, color=color, kind=None if kind in _ANY_KIND else kind)
            if noun == Noun():
                continue
            yield from self._meant(match.end(), tuple(noun.holds(thing) for thing in things))

    def _told(self, text: str) -> Iterator[Mention]:
        for match in self._condition.finditer(text):
            yield from self._meant(match.end(), self._conditions[match[1]].holds)

    def _labels(self, text: str, task: Task) -> Iterator[Mention]:
        for match in _LABEL.finditer(text):
            number = int(match[1]) - 1
            if number < len(task.regions):
                thing = task.regions[number].thing
                yield Mention(match.end(), self._whole[thing], thing)

    def _meant(self, end: int, holds: tuple[Holds, ...]) -> Iterator[Mention]:
        if Holds.UNCLEAR in holds:
            return
        fitting = np.flatnonzero([answer is Holds.YES for answer in holds])
        if len(fitting) == 1:
            yield Mention(end, self._whole[fitting[0]], int(fitting[0]))
        else:
            yield Mention(end, one_class("count", min(len(fitting), CLASS_COUNTS["count"] - 1)))


def only_thing(mentions: list[Mention]) -> int | None:
    """The one thing that all mentions of a question mean; None where they do not."""
    meant = {mention.thing for mention in mentions}
    return meant.pop() if len(meant) == 1 else None
