"""Scores with what belongs to them: how many samples, which failures, an interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ufvideo_sdk import InputError
from ufvideo_sdk.evaluate.datasets.record import Reason
from ufvideo_sdk.evaluate.metrics.intervals import (
    Interval,
    bootstrap_interval,
    wilson_interval,
)


@dataclass(frozen=True)
class Sample:
    """One value that a score is the mean of.

    Attributes:
        key: The record's.
        video: Its video: samples of one resemble each other.
        value: 0 to 1; 0 for a failure.
        group: A task, a type of question or an annotator.
        reason: Why it failed, wholly or in part; None if it did not.
    """

    key: str
    video: str
    value: float
    group: str = ""
    reason: Reason | None = None


@dataclass(frozen=True)
class Score:
    """A score.

    Attributes:
        percent: The mean, in percent, with 0 for failures; None if a script ends without a score.
        n: Number of samples.
        interval: Where the mean lies with 95 % confidence, in percent; None of fewer than two
            videos, or without a score.
        failures: Samples by the reason why they failed; of a released script: by the reason why
            it leaves them out.
        percent_without_failures: The mean without the samples that failed; None if all did, or in
            the released column.
        published: The paper's score, if it may be compared with this one.
        note: What else there is to know.
    """

    percent: float | None
    n: int
    interval: Interval | None = None
    failures: Mapping[str, int] = field(default_factory=dict)
    percent_without_failures: float | None = None
    published: float | None = None
    note: str = ""


@dataclass(frozen=True)
class ScoreRow:
    """One row of the table.

    Attributes:
        metric: "J", "F", "J&F", "tIoU", "R@0.5", "accuracy" or "ROUGE-L".
        group: The task, type of question or annotator that it is about; empty for all together.
        released: As the released scripts compute it; None if none does.
        corrected: As it should be computed.
        samples: What `corrected` is the mean of.
    """

    metric: str
    group: str
    released: Score | None
    corrected: Score
    samples: tuple[Sample, ...] = ()


def score_of(
    samples: Sequence[Sample],
    *,
    is_right_or_wrong: bool = False,
    weights: Sequence[float] | None = None,
) -> Score:
    """The score of samples.

    Args:
        samples: One or more.
        is_right_or_wrong: Whether each value is 0 or 1, so that Wilson's interval applies.
        weights: How much each sample counts; None: all alike.
    """
    if not samples:
        raise InputError("samples: expected one or more, got none")
    scale = [1.0] * len(samples) if weights is None else list(weights)
    whole = [(s, w) for s, w in zip(samples, scale, strict=True) if s.reason is None]
    return Score(
        percent=_mean(zip(samples, scale, strict=True)),
        n=len(samples),
        interval=_interval(samples, is_right_or_wrong, weights),
        failures=dict(Counter(s.reason.value for s in samples if s.reason is not None)),
        percent_without_failures=_mean(whole) if whole else None,
    )


def _mean(weighted: Iterable[tuple[Sample, float]]) -> float:
    pairs = list(weighted)
    total = sum(weight for _, weight in pairs)
    return float(100 * sum(sample.value * weight for sample, weight in pairs) / total)


def _interval(
    samples: Sequence[Sample], is_right_or_wrong: bool, weights: Sequence[float] | None
) -> Interval | None:
    if is_right_or_wrong:
        found = wilson_interval(sum(sample.value == 1 for sample in samples), len(samples))
    elif len({sample.video for sample in samples}) < 2:
        return None
    else:
        values = [sample.value for sample in samples]
        found = bootstrap_interval(values, [sample.video for sample in samples], weights=weights)
    return Interval(100 * found.low, 100 * found.high, found.confidence)
