"""Questions of a scene: all of them, or a few drawn by chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from training.tasks.asker import Asker, Drafts
from training.tasks.choice import choice_drafts, region_choice_drafts
from training.tasks.cooperative import pixhqa_drafts, pixrqa_drafts, pixtrqa_drafts
from training.tasks.grounding import moment_drafts, span_drafts
from training.tasks.image import image_drafts
from training.tasks.question import caption_drafts, count_drafts, question_drafts
from training.tasks.region import description_drafts, region_drafts
from training.tasks.segmentation import reasoning_drafts, referring_drafts
from training.tasks.task import Draft, Task, TaskKind
from training.world.truth import Truth

_FAMILIES: dict[TaskKind, tuple[Callable[[Asker], Drafts], ...]] = {
    TaskKind.QUESTION: (question_drafts,),
    TaskKind.CAPTION: (caption_drafts,),
    TaskKind.CHOICE: (choice_drafts,),
    TaskKind.COUNT: (count_drafts,),
    TaskKind.SPAN: (span_drafts,),
    TaskKind.MOMENT: (moment_drafts,),
    TaskKind.REGION_DESCRIPTION: (description_drafts,),
    TaskKind.REGION_QUESTION: (region_drafts, region_choice_drafts),
    TaskKind.REFERRING: (referring_drafts,),
    TaskKind.REASONING: (reasoning_drafts,),
    TaskKind.PIXRQA: (pixrqa_drafts,),
    TaskKind.PIXHQA: (pixhqa_drafts,),
    TaskKind.PIXTRQA: (pixtrqa_drafts,),
    TaskKind.IMAGE_QUESTION: (image_drafts,),
    TaskKind.IMAGE_SEGMENTATION: (image_drafts,),
}
# How often each kind is drawn against the others.
DEFAULT_WEIGHTS: dict[TaskKind, float] = {
    kind: 2.0 if kind in (TaskKind.QUESTION, TaskKind.REGION_QUESTION, TaskKind.SPAN) else 1.0
    for kind in TaskKind
}
# Kinds that can ask for something that is not there.
ABSENT_KINDS = frozenset(
    {
        TaskKind.QUESTION,
        TaskKind.SPAN,
        TaskKind.MOMENT,
        TaskKind.REFERRING,
        TaskKind.REASONING,
        TaskKind.PIXHQA,
        TaskKind.PIXTRQA,
        TaskKind.IMAGE_SEGMENTATION,
    }
)
ABSENT_SHARE = 0.1
_TRIES = 50


def drafts_of(truth: Truth, kind: TaskKind, rng: np.random.Generator) -> tuple[Draft, ...]:
    """All questions of one kind, each in all of its wordings.

    Args:
        truth: The scene's truth.
        kind: What to ask for.
        rng: Draws what is endless: region frames, times, wrong options, absent things.
    """
    asker = Asker(truth, rng)
    drafts = (draft for family in _FAMILIES[kind] for draft in family(asker))
    return tuple(draft for draft in drafts if draft.task.kind is kind)


def all_tasks(truth: Truth, *, seed: int) -> Iterator[Task]:
    """Every question of a scene in every wording, once for each kind."""
    for number, kind in enumerate(TaskKind):
        for draft in drafts_of(truth, kind, np.random.default_rng([seed, number])):
            for question, answer in draft.forms:
                yield replace(draft.task, question=question, answer=answer)


def draw_tasks(
    truth: Truth,
    count: int,
    *,
    seed: int,
    weights: Mapping[TaskKind, float] | None = None,
    absent_share: float = ABSENT_SHARE,
) -> tuple[Task, ...]:
    """Draw questions of a scene, no two alike.

    Args:
        truth: The scene's truth.
        count: How many; fewer come back where the scene has no more to ask.
        seed: The same seed gives the same questions.
        weights: How often each kind is drawn; DEFAULT_WEIGHTS when None.
        absent_share: Part of the questions that ask for something that is not there.

    Raises:
        ValueError: When no weight is above 0, or one is below.
    """
    weights = DEFAULT_WEIGHTS if weights is None else weights
    if not weights or min(weights.values()) < 0 or sum(weights.values()) <= 0:
        raise ValueError(f"weights: expected some above 0 and none below, got {dict(weights)}")
    rng = np.random.default_rng([seed, 5])
    drafts: dict[TaskKind, tuple[Draft, ...]] = {}
    tasks: dict[tuple[str, bool], Task] = {}
    for _ in range(count + _TRIES):
        if len(tasks) == count:
            break
        absent = bool(rng.random() < absent_share)
        kinds = [k for k in weights if weights[k] > 0 and (not absent or k in ABSENT_KINDS)]
        if not kinds:
            continue
        parts = np.array([weights[kind] for kind in kinds])
        kind = kinds[int(rng.choice(len(kinds), p=parts / parts.sum()))]
        if kind not in drafts:
            drafts[kind] = drafts_of(truth, kind, rng)
        fitting = [draft for draft in drafts[kind] if draft.task.absent == absent]
        if fitting:
            draft = fitting[int(rng.integers(len(fitting)))]
            question, answer = draft.forms[int(rng.integers(len(draft.forms)))]
            task = replace(draft.task, question=question, answer=answer)
            tasks.setdefault((question, task.image_frame is None), task)
    return tuple(tasks.values())
