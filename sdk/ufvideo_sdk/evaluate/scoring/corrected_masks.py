"""Corrected scores of masks: the mean of each object over its frames, then over the objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import InputError
from ufvideo_sdk.evaluate.datasets.record import (
    DataSet,
    ObjectFrames,
    Pixels,
    Reason,
    Record,
)
from ufvideo_sdk.evaluate.metrics.masks import contour_accuracy, region_similarity
from ufvideo_sdk.evaluate.scoring.corrected_answers import failure_of
from ufvideo_sdk.evaluate.scoring.prediction import Prediction, scored_objects
from ufvideo_sdk.evaluate.scoring.score import Sample


@dataclass(frozen=True)
class ObjectScore:
    """J and F of one object of a record.

    Attributes:
        region: Mean J over the frames.
        contour: Mean F over the frames.
        reason: Why a frame of it counts 0, the first one; None if none does.
    """

    region: float
    contour: float
    reason: Reason | None


def mask_samples(
    data_set: DataSet, predictions: Mapping[str, Prediction]
) -> Mapping[str, tuple[Sample, ...]]:
    """Samples of J, F and J&F: one for each object of each record."""
    by_metric: dict[str, list[Sample]] = {"J": [], "F": [], "J&F": []}
    for record in data_set.records:
        prediction = predictions.get(record.key)
        video = record.video_name or record.key
        for number, found in enumerate(_object_scores(record, prediction)):
            key = record.key if len(record.objects) < 2 else f"{record.key} object {number}"
            values = (found.region, found.contour, (found.region + found.contour) / 2)
            for metric, value in zip(by_metric, values, strict=True):
                by_metric[metric].append(Sample(key, video, value, record.group, found.reason))
    return {metric: tuple(samples) for metric, samples in by_metric.items()}


def _object_scores(record: Record, prediction: Prediction | None) -> list[ObjectScore]:
    truth = scored_objects(record)
    reason = failure_of(record, prediction)
    if reason is None and prediction is not None and len(prediction.masks) > len(truth):
        reason = Reason.NUM_MASKS
    if reason is not None or prediction is None:
        # A record that is no record has an object too, or it would count for nothing.
        return [ObjectScore(0.0, 0.0, reason)] * max(len(truth), 1)
    missing = [ObjectScore(0.0, 0.0, Reason.NUM_MASKS)] * (len(truth) - len(prediction.masks))
    pairs = zip(prediction.masks, truth, strict=False)
    return [_score(given, right, record.void) for given, right in pairs] + missing


def _score(given: ObjectFrames, truth: ObjectFrames, void: Mapping[int, Pixels]) -> ObjectScore:
    regions, contours, reasons = [], [], []
    for idx, right in truth.items():
        mask = given.get(idx)
        region, contour, reason = _frame(mask, right, void.get(idx))
        regions.append(region)
        contours.append(contour)
        reasons.append(reason)
    if not regions:
        return ObjectScore(0.0, 0.0, Reason.MALFORMED)
    reason = next((reason for reason in reasons if reason is not None), None)
    return ObjectScore(float(np.mean(regions)), float(np.mean(contours)), reason)


def _frame(
    given: Pixels | None, right: Pixels | None, void: Pixels | None
) -> tuple[float, float, Reason | None]:
    """J and F of one frame. Null truth: the object is not seen, and an empty mask is right."""
    if given is None:
        return 0.0, 0.0, Reason.MISSING_FRAME
    mask = given.pixels()
    try:
        truth = np.zeros_like(mask) if right is None else right.pixels()
        left_out = None if void is None else void.pixels()
    except InputError:
        return 0.0, 0.0, Reason.UNREADABLE_TRUTH
    if mask.shape != truth.shape or not _fits(left_out, truth):
        return 0.0, 0.0, Reason.WRONG_SHAPE
    return (
        region_similarity(mask, truth, void=left_out),
        contour_accuracy(mask, truth, void=left_out),
        None,
    )


def _fits(void: NDArray[np.bool_] | None, truth: NDArray[np.bool_]) -> bool:
    # A void of another size than a null truth says nothing about the mask.
    return void is None or void.shape == truth.shape
