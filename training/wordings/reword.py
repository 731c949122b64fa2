"""A task in other words: the same answer to a question that a person might type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from training.tasks.choice import LETTERS
from training.tasks.task import SEG_MARK, Task
from training.wordings import names, verbs
from training.wordings.asked import Asked, read_question
from training.wordings.patterns import expanded, tidy
from training.wordings.put_together import template_of
from training.wordings.templates import (
    CHOICE_HEADS,
    CHOICE_MARKS,
    CHOICE_TAILS,
    EVENTS,
    EXPRESSIONS,
    HEADS,
    IN,
    MASK,
    TEMPLATES,
)
from training.wordings.typed import typed

# How often one marked object is asked about without an introduction.
_DIRECT_SHARE = 0.5


def reworded_tasks(tasks: Sequence[Task], share: float, *, seed: int) -> tuple[Task, ...]:
    """Some of the tasks in other words, the others as they are.

    Args:
        tasks: In their canonical wordings.
        share: Part of them that is reworded.
        seed: The same seed gives the same words.
    """
    rng = np.random.default_rng([seed, 23])
    return tuple(reword(task, rng) if rng.random() < share else task for task in tasks)


def reword(task: Task, rng: np.random.Generator) -> Task:
    """A task in other words; the task itself if its question is in no canonical wording.

    Args:
        task: The task.
        rng: Chooses the words.
    """
    asked = read_question(task.question)
    if asked is None:
        return task
    template = template_of(asked.intent, rng)
    direct = asked.num_marked == 1 and asked.slots.get("name") == "object_1"
    direct = direct and bool(rng.random() < _DIRECT_SHARE)
    name = _name_of(asked, rng, direct=direct)
    stem = typed(filled(template, asked, name, rng), rng)
    if asked.is_choice:
        stem = _with_options(stem, task, rng)
    elif asked.num_marked and not direct:
        stem = f"{_introduction(asked.num_marked, rng)} {stem}"
    answer = task.answer
    if asked.intent in ("segment", "segment_which") and not task.absent:
        answer = _mask_answer(stem)
    elif asked.intent == "describe" and direct:
        answer = answer.replace("object_1", "The object", 1)
    return replace(task, question=stem, answer=answer)


def filled(template: str, asked: Asked, name: str, rng: np.random.Generator) -> str:
    """A template with its choices made and its slots filled.

    Args:
        template: One of TEMPLATES.
        asked: What is asked for.
        name: What fills {name}.
        rng: Chooses the words.
    """
    # Once for all forms of the act: they are of one verb.
    is_told = asked.intent in ("which", "segment_which")
    act = verbs.other_words(asked.slots.get("act", ""), rng, being=is_told)
    if act.startswith("is "):
        # Nothing is being first.
        template = _without_progressive(asked.intent, template, rng)
    plain = verbs.plain(act)
    bare = name.removeprefix("the ")
    slots = {
        "name": name,
        "bare": bare,
        "act": plain,
        "acts": act,
        "acting": verbs.progressive(plain),
        "a": names.one(asked.slots["noun"], rng) if "noun" in asked.slots else f"a {bare}",
        "noun": names.noun(asked.slots.get("noun", ""), rng),
        "nouns": names.noun(_plural_of(asked), rng),
        "time": asked.slots.get("time", ""),
        "what": asked.slots.get("what", ""),
        "when": expanded(verbs.WHENS.get(asked.slots.get("when", ""), ""), rng),
        "in": expanded(IN, rng),
        "mask": expanded(MASK, rng),
    }
    slots["expression"] = expanded(_pick(EXPRESSIONS, rng), rng).format(**slots).lower()
    slots["event"] = _pick(EVENTS, rng).format(**slots).lower()
    return tidy(expanded(template, rng).format(**slots))


def _plural_of(asked: Asked) -> str:
    if "nouns" in asked.slots:
        return asked.slots["nouns"]
    noun = asked.slots.get("noun", "")
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"


def _without_progressive(intent: str, template: str, rng: np.random.Generator) -> str:
    while "{acting}" in template or "{act}" in template:
        template = _pick(TEMPLATES[intent], rng)
    return template


def _name_of(asked: Asked, rng: np.random.Generator, *, direct: bool) -> str:
    if direct or (asked.intent == "describe" and not asked.num_marked):
        return names.region_name(rng)
    return names.name(asked.slots.get("name", ""), rng) if "name" in asked.slots else ""


def _introduction(count: int, rng: np.random.Generator) -> str:
    marks = ", ".join(f"object_{k + 1}: [<region>]" for k in range(count))
    return expanded(_pick(HEADS, rng), rng).format(count=count, marks=marks)


def _with_options(stem: str, task: Task, rng: np.random.Generator) -> str:
    mark = _pick(CHOICE_MARKS, rng)
    lettered = zip(LETTERS, task.options, strict=False)
    options = [mark.format(letter, option) for letter, option in lettered]
    head = _pick(CHOICE_HEADS, rng)
    tail = expanded(_pick(CHOICE_TAILS, rng), rng)
    listed = {"list": "\n".join(options), "line": " ".join(options) + "."}
    return head.format(stem=stem, tail=tail, **listed)


def _mask_answer(question: str) -> str:
    """The answer with its mask that this beginning of a question has in its canonical wording."""
    if question.startswith(("What is", "Which object")):
        return f"It is {SEG_MARK}."
    if question.startswith("Can you segment"):
        return f"Sure, it is {SEG_MARK}."
    return f"Sure, {SEG_MARK}."


def _pick(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
