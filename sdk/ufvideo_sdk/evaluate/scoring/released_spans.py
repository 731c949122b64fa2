"""Spans of time as the released scripts score them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ufvideo_sdk import InputError
from ufvideo_sdk.evaluate.datasets.record import DataSet, Reason, Record
from ufvideo_sdk.evaluate.scoring.prediction import Prediction
from ufvideo_sdk.evaluate.scoring.released_ranks import (
    left_out,
    parts_of,
    raises,
    up_to_the_end,
)
from ufvideo_sdk.evaluate.scoring.score import Sample, Score, score_of
from ufvideo_sdk.evaluate.time_tokens import TOKEN, fraction_of

THRESHOLDS = (0.3, 0.5, 0.7)
_SPAN = re.compile(r"\{\s*(\d+(?:\.\d+)?),\s*(\d+(?:\.\d+)?)\s*\}")
# What the data loader of Charades-STA catches: it then reads the next record.
_CAUGHT = frozenset({Reason.MALFORMED, Reason.MISSING_VIDEO, Reason.UNREADABLE_VIDEO})
_DIVIDES = "the script divides by zero at {}, whose spans have no length"


@dataclass(frozen=True)
class _Written:
    """A line of an answer file: the record whose answer it has, and the answer."""

    record: Record
    prediction: Prediction


def released_span(text: str) -> tuple[float, float]:
    """The span that the scripts read, as parts of the video; 0 and 0 if there is none.

    Time tokens become numbers of five digits; only two numbers alone in braces count.

    Args:
        text: What was answered.
    """
    numbers = TOKEN.sub(lambda token: f"{fraction_of(int(token[1])):.5f},", text)
    found = _SPAN.search(numbers.replace(",}", "}"))
    return (float(found[1]), float(found[2])) if found else (0.0, 0.0)


def released_tiou(span: tuple[float, float], truth: tuple[float, float]) -> float | None:
    """TIoU as the scripts compute it; None if they divide by zero."""
    first, last = min(span[0], truth[0]), max(span[1], truth[1])
    if last == first:
        return None
    shared = max(min(span[1], truth[1]) - max(span[0], truth[0]), 0)
    return max(0.0, shared / (last - first))


def released_charades(
    data_set: DataSet, predictions: Mapping[str, Prediction]
) -> Mapping[str, Score]:
    """Charades-STA: a video that cannot be read has the next one of its process scored twice."""
    written: list[_Written] = []
    for part in parts_of(data_set.benchmark, data_set.records):
        lines, ended = _lines_with_repeats(part, predictions)
        written += lines
        if ended:
            note = f"a process ends with an error: {part[-1].key}, its last one, cannot be read"
            return _no_score(data_set, note)
    return _scores(data_set, predictions, written)


def released_pixtrqa(
    data_set: DataSet, predictions: Mapping[str, Prediction]
) -> Mapping[str, Score]:
    """PixTRQA: an answer without a full stop ends its process."""
    records = written_pixtrqa(data_set, predictions)
    lines = [_Written(each, predictions[each.key]) for each in records if each.key in predictions]
    return _scores(data_set, predictions, lines)


def written_pixtrqa(data_set: DataSet, predictions: Mapping[str, Prediction]) -> list[Record]:
    """The records of PixTRQA that are written before an answer without a full stop."""

    def ends(record: Record) -> bool:
        prediction = predictions.get(record.key)
        has_stop = prediction is None or "." in prediction.text
        return raises(record, prediction) or not has_stop

    return up_to_the_end(parts_of(data_set.benchmark, data_set.records), ends)


def _lines_with_repeats(
    part: Sequence[Record], predictions: Mapping[str, Prediction]
) -> tuple[list[_Written], bool]:
    """The lines of one process, and whether it ends because no readable video is left."""
    lines: list[_Written] = []
    for place in range(len(part)):
        later = (each for each in part[place:] if not _is_unreadable(each, predictions))
        given = next(later, None)
        if given is None:
            return lines, True
        prediction = predictions.get(given.key)
        if prediction is not None and prediction.failure is not None:
            # Reading is caught, answering is not.
            return lines, False
        if prediction is not None:
            lines.append(_Written(given, prediction))
    return lines, False


def _is_unreadable(record: Record, predictions: Mapping[str, Prediction]) -> bool:
    prediction = predictions.get(record.key)
    failure = None if prediction is None else prediction.failure
    return bool({record.problem, failure} & _CAUGHT)


def _scores(
    data_set: DataSet, predictions: Mapping[str, Prediction], written: Sequence[_Written]
) -> Mapping[str, Score]:
    if not written:
        return _no_score(data_set, "the script ends with an error: no process wrote an answer")
    samples = []
    for line in written:
        tiou = _line_tiou(line)
        if tiou is None:
            return _no_score(data_set, _DIVIDES.format(line.record.key))
        samples.append(Sample(line.record.key, line.record.video_name, tiou))
    missing = left_out(data_set, predictions, [line.record for line in written])
    scores = {"tIoU": _with(score_of(samples), missing)}
    for threshold in THRESHOLDS:
        above = [Sample(s.key, s.video, float(s.value > threshold)) for s in samples]
        scores[f"R@{threshold}"] = _with(score_of(above, is_right_or_wrong=True), missing)
    return scores


def _line_tiou(line: _Written) -> float | None:
    truth = line.record.span
    if truth is None:
        return 0.0
    duration_s = line.prediction.duration_s
    if duration_s is None and not truth.is_fraction:
        raise InputError(
            f"predictions: expected a duration_s for {line.prediction.key!r}, whose truth is in"
            " seconds, got none"
        )
    span = released_span(line.prediction.text)
    if span == (0, 0):
        return 0.0
    scale = duration_s or 1.0
    right = scale if truth.is_fraction else 1.0
    return released_tiou(
        (span[0] * scale, span[1] * scale), (truth.start * right, truth.end * right)
    )


def _with(score: Score, missing: Mapping[str, int]) -> Score:
    return Score(score.percent, score.n, score.interval, missing)


def _no_score(data_set: DataSet, note: str) -> Mapping[str, Score]:
    metrics = ("tIoU", *(f"R@{threshold}" for threshold in THRESHOLDS))
    return {metric: Score(None, len(data_set.records), note=note) for metric in metrics}
