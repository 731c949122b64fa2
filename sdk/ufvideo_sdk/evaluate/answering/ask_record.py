"""One record put to a session, as the released evaluation puts it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import (
    Answer,
    GenerationConfig,
    InputError,
    MaskTrack,
    Region,
    SegmentResult,
    Session,
)
from ufvideo_sdk.evaluate.datasets.record import ObjectFrames, Record, Span
from ufvideo_sdk.evaluate.scoring.prediction import Prediction
from ufvideo_sdk.evaluate.time_tokens import TOKEN, fraction_of

REGION_MARK = "<region>"
# What the model is given to read masks from.
GIVEN_ANSWER = "Sure, [SEG]."


@dataclass(frozen=True)
class AnswerOptions:
    """How records are put to a model.

    Attributes:
        teacher_forced: In referring segmentation give the model its answer, "Sure, [SEG].", and
            read the mask from it, as the released evaluation does. Otherwise it answers by itself,
            as it does for a user.
        config: How it answers; greedy by default, as the released evaluation.
    """

    teacher_forced: bool = True
    config: GenerationConfig = field(default_factory=GenerationConfig)


def ask_record(session: Session, record: Record, options: AnswerOptions) -> Prediction:
    """Put one record to a session on its video.

    Raises:
        InputError: When the record cannot be asked as it is. Others as `Session.ask`.
    """
    frames = list(record.scored_idxs)
    if record.expression and options.teacher_forced:
        found: Answer | SegmentResult = session.segment(
            record.expression, frames=frames, allow_question=True
        )
    else:
        times_s = session.clip.timestamps_s
        found = session.ask(
            TOKEN.sub("<time>", record.question),
            regions=_regions(record),
            times=[_seconds(fraction_of(int(k)), times_s) for k in TOKEN.findall(record.question)],
            segment_frames=frames or "none",
            config=options.config,
        )
    return Prediction(
        record.key,
        text=GIVEN_ANSWER if isinstance(found, SegmentResult) else found.text,
        masks=tuple(_masks(track) for track in found.masks),
        span=_span(found),
        duration_s=_duration_s(session.clip.timestamps_s),
    )


def _regions(record: Record) -> list[Region]:
    """What the marks of the question point at: the objects in their order, where they are seen.

    Raises:
        InputError: When an object is not seen on any frame that is pointed at.
    """
    regions = []
    for number, frames in enumerate(record.objects[: record.question.count(REGION_MARK)]):
        masks = {idx: mask.pixels() for idx in record.region_idxs if (mask := frames.get(idx))}
        seen = {idx: pixels for idx, pixels in sorted(masks.items()) if pixels.any()}
        if not seen:
            raise InputError(
                f"{record.key}: object {number}: expected a pixel or more on one of the frames"
                f" {list(record.region_idxs)}, got none"
            )
        regions.append(Region(np.array(list(seen), np.int64), np.stack(list(seen.values()))))
    return regions


def _seconds(fraction: float, times_s: NDArray[np.float64]) -> float:
    """The time at a part of the video: time tokens are positions among the frames."""
    places = np.arange(len(times_s))
    return float(np.interp(fraction * (len(times_s) - 1), places, times_s))


def _masks(track: MaskTrack) -> ObjectFrames:
    return dict(zip(track.frame_idxs.tolist(), track, strict=True))


def _span(found: Answer | SegmentResult) -> Span | None:
    """The first span in seconds, if the answer has one in order."""
    spans = (Span(s.start_s, s.end_s, False) for s in found.spans or () if not s.is_moment)
    return next(spans, None)


def _duration_s(times_s: NDArray[np.float64]) -> float | None:
    """Number of frames divided by their rate; None for one frame."""
    if len(times_s) < 2:
        return None
    return float((times_s[-1] - times_s[0]) * len(times_s) / (len(times_s) - 1))
