"""Masks of what is named, or of what has to be found out."""

from __future__ import annotations

from collections.abc import Sequence

from training.tasks.asker import Asker, Drafts
from training.tasks.task import Draft, Task, TaskKind

# The released wordings; each has its own answer, so that a question has one right answer.
WORDINGS: tuple[tuple[str, str], ...] = (
    ("Please segment the {} in this image.", "Sure, [SEG]."),
    ("Can you segment the {} in this image?", "Sure, it is [SEG]."),
    ("What is {} in this image? Please respond with segmentation mask.", "It is [SEG]."),
    ("What is {} in this image? Please output segmentation mask.", "It is [SEG]."),
)
_VIDEO_WORDINGS: tuple[tuple[str, str], ...] = (
    *WORDINGS,
    ("Please segment the {} in the video.", "Sure, [SEG]."),
)


def referring_drafts(asker: Asker) -> Drafts:
    """Segment a thing that is named by its looks."""
    for reference in asker.references:
        text = reference.noun.text
        yield _draft(TaskKind.REFERRING, _VIDEO_WORDINGS, text, reference.thing)
    for noun in asker.absent_nouns:
        yield asker.absent(TaskKind.REFERRING, _questions(noun.text), noun.text)


def reasoning_drafts(asker: Asker) -> Drafts:
    """Segment the thing that does or is something."""
    which = ("Which object {}? Please respond with segmentation mask.", "It is [SEG].")
    for thing, condition in asker.told:
        text = f"object that {condition.text}"
        forms = [(question.format(text), answer) for question, answer in _VIDEO_WORDINGS]
        forms.append((which[0].format(condition.text), which[1]))
        task = Task(TaskKind.REASONING, *forms[0], targets=(thing,))
        yield Draft(tuple(forms), task)
    for condition in asker.untrue:
        text = f"object that {condition.text}"
        asked = [*_questions(text), which[0].format(condition.text)]
        yield asker.absent(TaskKind.REASONING, asked, text)


def _questions(text: str) -> list[str]:
    return [question.format(text) for question, _ in _VIDEO_WORDINGS]


def _draft(kind: TaskKind, wordings: Sequence[tuple[str, str]], text: str, thing: int) -> Draft:
    forms = tuple((question.format(text), answer) for question, answer in wordings)
    return Draft(forms, Task(kind, *forms[0], targets=(thing,)))
