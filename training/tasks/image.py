"""One frame shown as an image: what can be seen in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.tasks.asker import Asker, Drafts, ask
from training.tasks.facts import SEEN_SHARE, Holds, Noun, nothing, the_one
from training.tasks.lexicon import plural
from training.tasks.segmentation import WORDINGS
from training.tasks.task import Draft, Task, TaskKind
from training.world.scene import COLORS, KINDS

_QUESTION, _SEGMENT = TaskKind.IMAGE_QUESTION, TaskKind.IMAGE_SEGMENTATION


def image_drafts(asker: Asker) -> Drafts:
    """Questions and masks of a frame on which every thing is well seen or not at all."""
    shares = asker.truth.shares
    clear = ((shares >= SEEN_SHARE) | (shares <= 0)).all(axis=0) & (shares > 0).any(axis=0)
    looks = np.flatnonzero(clear)
    if not looks.size:
        return
    look = int(asker.rng.choice(looks))
    frame, time = int(asker.truth.look_frames[look]), float(asker.truth.look_times[look])
    seen = [i for i in range(len(asker.things)) if shares[i, look] > 0]
    for draft in _still(asker, seen, time):
        yield Draft(draft.forms, replace(draft.task, image_frame=frame))


def _still(asker: Asker, seen: list[int], time: float) -> Drafts:
    """Drafts of what is seen at a fraction of the clip."""
    things = [asker.things[i] for i in seen]
    for i, thing in zip(seen, things, strict=True):
        color = thing.color_at(time)
        nouns = [Noun(color=color, kind=thing.kind), Noun(kind=thing.kind), Noun(color=color)]
        for noun in nouns:
            if the_one(noun.holds(other, time) for other in things) is None:
                continue
            forms = tuple((q.format(noun.text), answer) for q, answer in WORDINGS)
            yield Draft(forms, Task(_SEGMENT, *forms[0], targets=(i,)))
            if noun.color is None:
                asked = [f"What color is the {noun.text}?"]
                yield ask(_QUESTION, asked, f"It is {color}.", "color")
            if noun.kind is None:
                asked = [f"What shape is the {noun.text}?"]
                yield ask(_QUESTION, asked, f"It is a {thing.kind}.", "kind")
    for noun in (Noun(), *(Noun(kind=kind) for kind in KINDS)):
        number = [noun.holds(thing, time) for thing in things].count(Holds.YES)
        if number or asker.rng.random() < 0.15:
            asked = [f"How many {plural(noun.text)} are there in the image?"]
            words = f"is 1 {noun.text}" if number == 1 else f"are {number} {plural(noun.text)}"
            yield ask(_QUESTION, asked, f"There {words} in the image.", "number")
    missing = [
        noun
        for noun in (Noun(color=color, kind=kind) for color in COLORS for kind in KINDS)
        if nothing(noun.holds(thing, time) for thing in things)
    ]
    for noun in asker.some(missing, 2):
        questions = [question.format(noun.text) for question, _ in WORDINGS]
        answer = f"There is no {noun.text} in the image."
        task = Task(_SEGMENT, questions[0], answer, absent=True)
        yield Draft(tuple((question, answer) for question in questions), task)
