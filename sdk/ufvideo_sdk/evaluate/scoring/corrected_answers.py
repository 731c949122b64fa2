"""Corrected scores of words and times: every record counts, a failure counts 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ufvideo_sdk import InputError
from ufvideo_sdk.evaluate.datasets.record import DataSet, Reason, Record, Span
from ufvideo_sdk.evaluate.metrics.answers import chosen_option, rouge_l
from ufvideo_sdk.evaluate.metrics.spans import temporal_iou
from ufvideo_sdk.evaluate.scoring.prediction import Prediction, described
from ufvideo_sdk.evaluate.scoring.score import Sample
from ufvideo_sdk.evaluate.time_tokens import spans_of

Value = tuple[float, "Reason | None"]


def failure_of(record: Record, prediction: Prediction | None) -> Reason | None:
    """Why a record has no answer to score; None if it has one."""
    if record.problem is not None:
        return record.problem
    return Reason.NO_ANSWER if prediction is None else prediction.failure


def samples_of(
    data_set: DataSet,
    predictions: Mapping[str, Prediction],
    value_of: Callable[[Record, Prediction], Value],
) -> tuple[Sample, ...]:
    """One sample for each record, 0 for one that failed."""
    samples = []
    for record in data_set.records:
        prediction = predictions.get(record.key)
        reason = failure_of(record, prediction)
        value = 0.0
        if reason is None and prediction is not None:
            value, reason = value_of(record, prediction)
        video = record.video_name or record.key
        samples.append(Sample(record.key, video, value, record.group, reason))
    return tuple(samples)


def choice_value(record: Record, prediction: Prediction) -> Value:
    """1 if the answer names the right option, 0 if it names another one, or none."""
    position = chosen_option(prediction.text, record.options)
    if position is None:
        return 0.0, Reason.NO_OPTION
    if record.answer_idx is None:
        return 0.0, Reason.MALFORMED
    # Options of equal words are equally right.
    return float(record.options[position] == record.options[record.answer_idx]), None


def span_value(record: Record, prediction: Prediction) -> Value:
    """TIoU of the span of an answer; 0 without one, or with one that ends before it starts."""
    if record.span is None:
        return 0.0, Reason.MALFORMED
    span = _span_of(prediction, record.span)
    if span is None:
        return 0.0, Reason.NO_SPAN
    if span.end < span.start:
        return 0.0, Reason.REVERSED_SPAN
    if span.is_fraction != record.span.is_fraction:
        span = _in_the_unit_of(record.span, span, prediction)
    return temporal_iou((span.start, span.end), (record.span.start, record.span.end)), None


def _span_of(prediction: Prediction, truth: Span) -> Span | None:
    """The span of an answer: the one in the unit of the truth, if there are two."""
    given = prediction.span
    if given is not None and given.is_fraction == truth.is_fraction:
        return given
    found = spans_of(prediction.text)
    return Span(*found[0], is_fraction=True) if found else given


def _in_the_unit_of(truth: Span, span: Span, prediction: Prediction) -> Span:
    duration_s = prediction.duration_s
    if duration_s is None or not duration_s > 0:
        raise InputError(
            f"predictions: expected a duration_s above 0 for {prediction.key!r}, whose truth is in"
            f" {'parts of the video' if truth.is_fraction else 'seconds'} and its span is not, got"
            f" {duration_s}"
        )
    scale = 1 / duration_s if truth.is_fraction else duration_s
    return Span(span.start * scale, span.end * scale, truth.is_fraction)


def text_value(benchmark: str) -> Callable[[Record, Prediction], Value]:
    """ROUGE-L of the words that describe something, with the right ones."""

    def value_of(record: Record, prediction: Prediction) -> Value:
        reference = described(record.reference or "", benchmark)
        return rouge_l(described(prediction.text, benchmark), reference), None

    return value_of
