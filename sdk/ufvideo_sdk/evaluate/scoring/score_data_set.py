"""The table of a data set: each metric in both columns, with the paper's number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from ufvideo_sdk import InputError
from ufvideo_sdk.evaluate.benchmarks import Benchmark, Kind, benchmark_of
from ufvideo_sdk.evaluate.datasets.record import DataSet
from ufvideo_sdk.evaluate.scoring.corrected_answers import (
    choice_value,
    failure_of,
    samples_of,
    span_value,
    text_value,
)
from ufvideo_sdk.evaluate.scoring.corrected_masks import mask_samples
from ufvideo_sdk.evaluate.scoring.prediction import Prediction, predictions_by_key
from ufvideo_sdk.evaluate.scoring.released_answers import released_mvbench, released_videorefer_q
from ufvideo_sdk.evaluate.scoring.released_masks import released_masks
from ufvideo_sdk.evaluate.scoring.released_spans import (
    THRESHOLDS,
    released_charades,
    released_pixtrqa,
)
from ufvideo_sdk.evaluate.scoring.score import Sample, Score, ScoreRow, score_of

ByKey = Mapping[str, Prediction]
# Data sets whose headline is the mean of their groups, each of equal weight: the annotators of
# Ref-DAVIS17, and the kinds of expressions of ReVOS.
_BALANCED = frozenset({"ref-davis17", "revos"})
# Expressions of objects that are not there have a row of their own, as their makers score them.
_ABSENT = "absent"


def score_data_set(
    data_set: DataSet,
    predictions: Iterable[Prediction],
    *,
    teacher_forced: bool = True,
    is_whole: bool = False,
) -> tuple[ScoreRow, ...]:
    """Score predictions in both columns.

    A record that failed, or has no prediction, counts 0 in the corrected column. The paper's number
    stands beside the released column only if the data set is whole and every record has an answer.

    Args:
        data_set: What was asked, with its truth.
        predictions: At most one for each record.
        teacher_forced: Whether masks are of the answer that the released evaluation gives the model
            to read; the paper's scores of referring segmentation are.
        is_whole: Whether the data set is the whole one, if its number of records is not known
            (`Benchmark.num_records`); otherwise that number decides.

    Raises:
        InputError: When the data set has no truth, a prediction is about no record of it or about
            one that has a prediction, or a duration is missing (`Prediction.duration_s`).
    """
    if not data_set.has_truth:
        raise InputError(
            f"{data_set.benchmark}: expected a data set with truth, got one that a server scores"
        )
    benchmark = benchmark_of(data_set.benchmark)
    by_key = predictions_by_key(data_set, predictions)
    rows = {
        Kind.CHOICE: _choice_rows,
        Kind.SPAN: _span_rows,
        Kind.DESCRIPTION: _text_rows,
        Kind.SEGMENTATION: _mask_rows,
        Kind.COOPERATIVE: _cooperative_rows,
    }[benchmark.kind](data_set, by_key)
    is_like_the_paper = teacher_forced or benchmark.kind is not Kind.SEGMENTATION
    if benchmark.num_records is not None:
        is_whole = benchmark.num_records == len(data_set.records)
    if is_like_the_paper and is_whole and not _has_failures(data_set, by_key):
        return tuple(_beside_the_paper(row, data_set, benchmark) for row in rows)
    return tuple(rows)


def _has_failures(data_set: DataSet, by_key: ByKey) -> bool:
    """Whether a record could not be asked, or has no answer."""
    found = (failure_of(record, by_key.get(record.key)) for record in data_set.records)
    return any(reason is not None for reason in found)


def _beside_the_paper(row: ScoreRow, data_set: DataSet, benchmark: Benchmark) -> ScoreRow:
    several = benchmark.published_multi_frame
    published = several if data_set.multi_frame and several else benchmark.published
    found = published.get(row.metric)
    if row.released is None or row.group or found is None or found.not_comparable:
        return row
    return replace(row, released=replace(row.released, published=found.percent))


def _choice_rows(data_set: DataSet, by_key: ByKey) -> list[ScoreRow]:
    samples = samples_of(data_set, by_key, choice_value)
    scores = {"mvbench": released_mvbench, "videorefer-q": released_videorefer_q}
    released = scores[data_set.benchmark](data_set, by_key)
    rows = [_row("accuracy", samples, released.get(""), is_right_or_wrong=True)]
    for group, part in _groups(samples).items():
        score = released.get(group)
        rows.append(_row("accuracy", part, score, group=group, is_right_or_wrong=True))
    return rows


def _span_rows(
    data_set: DataSet,
    by_key: ByKey,
    released: Callable[[DataSet, ByKey], Mapping[str, Score]] = released_charades,
) -> list[ScoreRow]:
    samples = samples_of(data_set, by_key, span_value)
    scores = released(data_set, by_key)
    rows = [_row("tIoU", samples, scores.get("tIoU"))]
    for threshold in THRESHOLDS:
        above = [replace(each, value=float(each.value > threshold)) for each in samples]
        metric = f"R@{threshold}"
        rows.append(_row(metric, above, scores.get(metric), is_right_or_wrong=True))
    return rows


def _text_rows(data_set: DataSet, by_key: ByKey) -> list[ScoreRow]:
    return [_row("ROUGE-L", samples_of(data_set, by_key, text_value(data_set.benchmark)), None)]


def _mask_rows(data_set: DataSet, by_key: ByKey) -> list[ScoreRow]:
    released = released_masks(data_set, by_key)
    rows = []
    for metric, samples in mask_samples(data_set, by_key).items():
        groups = _groups(samples)
        counted = [each for each in samples if each.group != _ABSENT] or list(samples)
        weights = _balanced(counted) if data_set.benchmark in _BALANCED else None
        rows.append(_row(metric, counted, released[metric], weights=weights))
        rows += [_row(metric, part, None, group=group) for group, part in groups.items()]
    return rows


def _balanced(samples: Sequence[Sample]) -> list[float]:
    """Weights by which all groups count alike; a malformed record, of no group, as the average."""
    sizes = Counter(each.group for each in samples if each.group)
    average = len(sizes) / max(sum(sizes.values()), 1) or 1.0
    return [1 / sizes[each.group] if each.group else average for each in samples]


def _cooperative_rows(data_set: DataSet, by_key: ByKey) -> list[ScoreRow]:
    rows = _mask_rows(data_set, by_key)
    if data_set.benchmark == "pixtrqa":
        rows += _span_rows(data_set, by_key, released_pixtrqa)
    return rows + _text_rows(data_set, by_key)


def _groups(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    """Samples by group, in the order in which these come; none if there are no groups."""
    names = dict.fromkeys(each.group for each in samples if each.group)
    return {name: [each for each in samples if each.group == name] for name in names}


def _row(
    metric: str,
    samples: Sequence[Sample],
    released: Score | None,
    *,
    group: str = "",
    is_right_or_wrong: bool = False,
    weights: Sequence[float] | None = None,
) -> ScoreRow:
    corrected = score_of(samples, is_right_or_wrong=is_right_or_wrong, weights=weights)
    return ScoreRow(metric, group, released, corrected, tuple(samples))
