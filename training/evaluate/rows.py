"""The rows of the table: what is measured, and at least what it must be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from training.evaluate.ask import Outcome
from training.tasks import Score, TaskKind

RIGHT_OVERLAP = 0.5
TRACKING = "tracking, J&F behind the prompted frame"


@dataclass(frozen=True)
class Measure:
    """How a row comes from outcomes.

    Attributes:
        label: What a person reads.
        kind: Whose questions; None for all kinds, of which the absent ones count.
        value: One outcome's worth, 0 to 1; None where it does not count.
        floor: At least so much on average, in percent; None for a row that only informs.
    """

    label: str
    kind: TaskKind | None
    value: Callable[[Score], float | None]
    floor: float | None = None

    def of(self, outcome: Outcome) -> float | None:
        """What an outcome adds to the row; None where it does not belong there."""
        absent = outcome.task.absent
        belongs = absent if self.kind is None else outcome.task.kind is self.kind and not absent
        return self.value(outcome.score) if belongs else None


@dataclass(frozen=True)
class Row:
    """A row with what was measured.

    Attributes:
        label: What a person reads.
        percent: The mean, in percent; None where nothing was measured.
        count: Over how many.
        floor: At least so much, in percent; None for a row that only informs.
    """

    label: str
    percent: float | None
    count: int
    floor: float | None

    @property
    def holds(self) -> bool:
        """Whether the floor is reached; a row that was not measured holds none."""
        if self.floor is None:
            return True
        return self.percent is not None and self.percent >= self.floor


def _correct(score: Score) -> float | None:
    return score.correct


def _masks(score: Score) -> float | None:
    return score.region_and_boundary


def overlap(score: Score) -> float | None:
    """Overlap in time, 0 to 1; None for an answer without times."""
    return score.tiou


def overlap_right(score: Score) -> float | None:
    """Whether the overlap in time is above RIGHT_OVERLAP, 0 or 1."""
    return None if score.tiou is None else float(score.tiou > RIGHT_OVERLAP)


def _absent_said(score: Score) -> float | None:
    return None if score.absent_said is None else float(score.absent_said)


_KIND = TaskKind
MEASURES: tuple[Measure, ...] = (
    Measure("question answering, accuracy", _KIND.QUESTION, _correct, 95),
    Measure("multiple choice, accuracy", _KIND.CHOICE, _correct, 95),
    Measure("region questions, accuracy", _KIND.REGION_QUESTION, _correct, 95),
    Measure("temporal grounding, tIoU", _KIND.SPAN, overlap, 80),
    Measure("temporal grounding, R@0.5", _KIND.SPAN, overlap_right, 90),
    Measure("referring segmentation, J&F", _KIND.REFERRING, _masks, 85),
    Measure("reasoning segmentation, J&F", _KIND.REASONING, _masks, 75),
    Measure("PixRQA, J&F", _KIND.PIXRQA, _masks, 80),
    Measure("PixRQA, answer right", _KIND.PIXRQA, _correct, 90),
    Measure("PixHQA, J&F", _KIND.PIXHQA, _masks, 80),
    Measure("PixHQA, answer right", _KIND.PIXHQA, _correct, 90),
    Measure("PixTRQA, J&F", _KIND.PIXTRQA, _masks, 80),
    Measure("PixTRQA, answer right", _KIND.PIXTRQA, _correct, 90),
    Measure("PixTRQA, tIoU", _KIND.PIXTRQA, overlap, 75),
    Measure("absent object, said so and no mask", None, _absent_said, 90),
)
INFORMING: tuple[Measure, ...] = (
    Measure("moments, tIoU of +-5 % of the clip", _KIND.MOMENT, overlap),
    Measure("captions, sentences right", _KIND.CAPTION, _correct),
    Measure("counting, accuracy", _KIND.COUNT, _correct),
    Measure("region descriptions, all words right", _KIND.REGION_DESCRIPTION, _correct),
    Measure("image questions, accuracy", _KIND.IMAGE_QUESTION, _correct),
    Measure("image segmentation, J&F", _KIND.IMAGE_SEGMENTATION, _masks),
)
_TRACKING_FLOOR = 80.0


def rows_of(outcomes: Sequence[Outcome], tracked: Sequence[float] = ()) -> tuple[Row, ...]:
    """All rows of the table.

    Args:
        outcomes: Everything that was asked.
        tracked: J&F of everything that was tracked, 0 to 1.
    """
    floors = [row_of(m.label, (m.of(o) for o in outcomes), m.floor) for m in MEASURES]
    tracking = row_of(TRACKING, tracked, _TRACKING_FLOOR)
    informing = [row_of(m.label, (m.of(o) for o in outcomes), m.floor) for m in INFORMING]
    return (*floors, tracking, *informing)


def row_of(label: str, values: Iterable[float | None], floor: float | None) -> Row:
    """A row of values of 0 to 1; None does not count."""
    counted = [value for value in values if value is not None]
    percent = 100 * float(np.mean(counted)) if counted else None
    return Row(label, percent, len(counted), floor)
