"""What a model answers about a record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import InputError
from ufvideo_sdk.evaluate.datasets.record import DataSet, ObjectFrames, Reason, Record, Span
from ufvideo_sdk.evaluate.time_tokens import NUM_TIME_TOKENS, without_spans

# Where the words about masks begin in an answer to a question of UFVideo-Bench.
MASK_WORDS = "The segmentation mask"


@dataclass(frozen=True, eq=False)
class Prediction:
    """An answer.

    Attributes:
        key: The record's.
        text: The words as the model writes them, times as `<TEMP-xxx>`, masks as `[SEG]`.
        masks: Masks of each [SEG], by index of the frame.
        span: When it happens, if that is known better than the text says it.
        duration_s: Duration of the video: its number of frames divided by its frame rate. Needed
            if the truth is in seconds and there is no span in seconds.
        failure: Why there is no answer; None if there is one.
        failure_text: What went wrong, for a person.
    """

    key: str
    text: str = ""
    masks: tuple[ObjectFrames, ...] = ()
    span: Span | None = None
    duration_s: float | None = None
    failure: Reason | None = None
    failure_text: str = ""


def predictions_by_key(
    data_set: DataSet, predictions: Iterable[Prediction]
) -> dict[str, Prediction]:
    """The predictions by the key of their record.

    Raises:
        InputError: When two are about one record, or one is about none of the data set.
    """
    keys = {record.key for record in data_set.records}
    found: dict[str, Prediction] = {}
    for prediction in predictions:
        if prediction.key not in keys or prediction.key in found:
            problem = "one alone" if prediction.key in found else "a record of the data set"
            raise InputError(f"predictions: expected {problem} for {prediction.key!r}")
        found[prediction.key] = prediction
    return found


def truth_as_prediction(record: Record) -> Prediction:
    """The right answer: scores exactly 100 in the corrected column.

    Args:
        record: A record with its truth.
    """
    truth = scored_objects(record)
    empty = _empty_mask(truth)
    masks = tuple(
        {idx: empty if mask is None else mask for idx, mask in frames.items()} for frames in truth
    )
    text = record.reference or ""
    if record.answer_idx is not None:
        text = f"({chr(ord('A') + record.answer_idx)})"
    span = record.span
    if span is not None and not text and span.is_fraction:
        tokens = (round(part * (NUM_TIME_TOKENS - 1)) for part in (span.start, span.end))
        text = "{" + "".join(f"<TEMP-{token:03d}>" for token in tokens) + "}"
    if truth and not text:
        text = "Sure, [SEG]."
    return Prediction(record.key, text, masks, span=span)


@dataclass(frozen=True)
class EmptyMask:
    """A mask without a pixel.

    Attributes:
        height: Height of the frame in pixels.
        width: Width of the frame in pixels.
    """

    height: int
    width: int

    def pixels(self) -> NDArray[np.bool_]:
        """The mask, bool [H, W]."""
        return np.zeros((self.height, self.width), np.bool_)


def _empty_mask(objects: Iterable[ObjectFrames]) -> EmptyMask:
    """An empty mask as large as the first one that is there; of one pixel if none is."""
    for frames in objects:
        for mask in frames.values():
            if mask is not None:
                return EmptyMask(*mask.pixels().shape)
    return EmptyMask(1, 1)


def scored_objects(record: Record) -> tuple[ObjectFrames, ...]:
    """The truth of each object on the frames that are scored."""
    scored = frozenset(record.scored_idxs)
    return tuple(
        {idx: mask for idx, mask in frames.items() if idx in scored} for frames in record.objects
    )


def described(text: str, benchmark: str) -> str:
    """The words of an answer to UFVideo-Bench that describe: no span, no words about masks."""
    words = text.split(MASK_WORDS)[0]
    if benchmark == "pixtrqa":
        words = words.split(".", 1)[1] if "." in words else without_spans(words)
    return words.strip()
