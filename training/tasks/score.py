"""How right an answer is: its words, its times, its masks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.tasks.choice import LETTERS
from training.tasks.lexicon import read_words
from training.tasks.task import NUM_TIME_TOKENS, SEG_MARK, TIME_PATTERN, Task, TaskKind
from ufvideo_sdk.evaluate import mask_scores, temporal_iou

# A moment counts as the span this far around it on either side, a fraction of the clip.
MOMENT_REACH = 0.05
_LETTER = re.compile(rf"\(([{LETTERS}])\)|\b([{LETTERS}])\b")
_TIMED = frozenset({TaskKind.SPAN, TaskKind.MOMENT, TaskKind.PIXTRQA})


@dataclass(frozen=True)
class Score:
    """What an answer is worth; None where the task does not ask for it.

    Attributes:
        correct: Whether the words are right: 0 or 1; of a caption, the part of its sentences.
        absent_said: Of something absent: whether it is said so, without time and mask.
        tiou: Overlap in time, 0 to 1.
        time_error: Of a moment: how far off, a fraction of the clip; 1 where none is given.
        region: J.
        boundary: F.
    """

    correct: float | None = None
    absent_said: bool | None = None
    tiou: float | None = None
    time_error: float | None = None
    region: float | None = None
    boundary: float | None = None

    @property
    def region_and_boundary(self) -> float | None:
        """J&F: the mean of both."""
        if self.region is None or self.boundary is None:
            return None
        return (self.region + self.boundary) / 2


def score(
    task: Task,
    answer: str,
    *,
    masks: Sequence[Iterable[NDArray[np.bool_]]] | None = None,
    truth: NDArray[np.bool_] | None = None,
) -> Score:
    """Score an answer against the truth.

    Args:
        task: The question.
        answer: What was answered, times as `<TEMP-xxx>`, masks as `[SEG]`.
        masks: Of each `[SEG]` the masks on the scored frames, bool [H, W].
        truth: The right mask of each target, bool [S, F, H, W]; masks are not scored when None.

    Raises:
        ValueError: When masks and truth differ in their frames' number or size.
    """
    words = read_words(answer)
    times = [int(token) / (NUM_TIME_TOKENS - 1) for token in TIME_PATTERN.findall(answer)]
    if task.absent:
        said = "absent" in words and not times and SEG_MARK not in answer
        return Score(absent_said=said)
    # Times in an answer that has none to give repeat the question's.
    tiou = time_error = None
    if task.kind in _TIMED and task.span is not None:
        tiou, time_error = _time_scores(task.span, times)
    region = boundary = None
    if task.targets and truth is not None:
        region, boundary = _mask_scores(masks, truth)
    return Score(
        correct=_correct(task, answer),
        tiou=tiou,
        time_error=time_error,
        region=region,
        boundary=boundary,
    )


def read_letter(answer: str, options: tuple[str, ...]) -> str | None:
    """The letter chosen: in parentheses or bare, else that of the option the answer contains."""
    match = _LETTER.search(answer)
    if match:
        return match.group(1) or match.group(2)
    lowered = answer.lower()
    held = [k for k, option in enumerate(options) if option.lower() in lowered]
    return LETTERS[max(held, key=lambda k: len(options[k]))] if held else None


def _correct(task: Task, answer: str) -> float | None:
    if task.options:
        return float(read_letter(answer, task.options) == read_letter(task.answer, task.options))
    if not task.scored:
        return None
    if "absent" in read_words(answer):
        return 0.0
    if task.kind is TaskKind.CAPTION:
        return _caption_part(task, answer)
    return float(_told(task, answer) == _told(task, task.answer))


def _told(task: Task, text: str) -> list[tuple[str, tuple[str, ...]]]:
    words = read_words(text)
    return [(category, words.get(category, ())) for category in sorted(task.scored)]


def _caption_part(task: Task, answer: str) -> float:
    """Share of sentences that are right, of all that either caption has."""
    right = [_told(task, s) for s in task.answer.split(".") if s.strip()]
    given = [_told(task, s) for s in answer.split(".") if s.strip()]
    longer = max(len(right), len(given))
    hits = 0
    for sentence in given:
        if sentence in right:
            right.remove(sentence)
            hits += 1
    return hits / longer


def _time_scores(span: tuple[float, float], times: list[float]) -> tuple[float, float | None]:
    """Overlap with the span asked for, and a moment's error."""
    if span[0] < span[1]:
        right = temporal_iou((times[0], times[1]), span) if len(times) == 2 else 0.0
        return right, None
    if len(times) != 1:
        return 0.0, 1.0
    around = [(moment - MOMENT_REACH, moment + MOMENT_REACH) for moment in (span[0], times[0])]
    return temporal_iou(around[1], around[0]), abs(span[0] - times[0])


def _mask_scores(
    masks: Sequence[Iterable[NDArray[np.bool_]]] | None, truth: NDArray[np.bool_]
) -> tuple[float, float]:
    """J and F; 0 where the number of masks is wrong."""
    if masks is None or len(masks) != len(truth):
        return 0.0, 0.0
    scores = mask_scores(masks, truth)
    return scores.region, scores.contour
