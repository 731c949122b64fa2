"""Answers about clips of drawn frames: what presentation is tested with, no model behind it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.results.answer import Answer, AnswerStats, StageStats
from ufvideo_sdk.results.locate_result import LocateResult
from ufvideo_sdk.results.masks import MaskTrack
from ufvideo_sdk.results.object_track import ObjectTrack
from ufvideo_sdk.results.segment_result import SegmentResult
from ufvideo_sdk.results.stop_reason import StopReason
from ufvideo_sdk.results.time_span import TimeSpan
from ufvideo_sdk.results.track_event import TrackEvent, TrackEventKind
from ufvideo_sdk.results.track_result import TrackResult
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.frames_in_memory import FrameArray


def drawn_clip(
    num_frames: int = 12,
    *,
    height: int = 120,
    width: int = 160,
    start_s: float | None = None,
    end_s: float | None = None,
) -> Clip:
    """Frames with a gradient and a bright square that wanders, at uneven times from 10 s on."""
    frames = np.empty((num_frames, height, width, 3), np.uint8)
    frames[:] = np.linspace(40, 150, width, dtype=np.uint8)[None, None, :, None]
    frames[..., 2] = np.linspace(160, 60, height, dtype=np.uint8)[None, :, None]
    for i in range(num_frames):
        frames[i][square_mask(i, num_frames, height, width)] = (235, 225, 210)
    gaps_s = np.where(np.arange(num_frames) % 3 == 0, 0.5, 0.125)
    times_s = 10 + np.cumsum(gaps_s) - gaps_s[0]
    return Clip(FrameArray(frames, times_s), start_s=start_s, end_s=end_s)


def drawn_image(*, height: int = 120, width: int = 160) -> Clip:
    """A single picture."""
    return Clip(FrameArray(drawn_clip(1, height=height, width=width).read([0])[0], None))


def square_mask(
    i: int, num_frames: int, height: int, width: int, *, lane: float = 0.5
) -> NDArray[np.bool_]:
    """The square's pixels on frame i, bool [H, W]."""
    side = max(3, min(height, width) // 4)
    left = round((width - side) * i / max(num_frames - 1, 1))
    top = round((height - side) * lane)
    mask = np.zeros((height, width), np.bool_)
    mask[top : top + side, left : left + side] = True
    return mask


def emptied(track: MaskTrack) -> MaskTrack:
    """The track without a pixel of its object."""
    masks = np.zeros_like(track.masks)
    return MaskTrack.from_masks(track.frame_idxs, track.times_s, masks, track.scores)


def drawn_stats() -> AnswerStats:
    """Statistics of a short answer."""
    return AnswerStats(
        stages={"vision_encoder": StageStats(1, 8, 12.5)},
        num_prefill_tokens=40,
        num_reused_tokens=0,
        num_generated_tokens=3,
        time_to_first_token_ms=20.0,
        decode_ms=10.0,
    )


def drawn_answer(
    clip: Clip | None = None,
    *,
    num_objects: int = 1,
    mask_every: int = 4,
    spans: Sequence[TimeSpan] = (TimeSpan(10.5, 11.75),),
    question: str = "What does the bright square do? Please segment it.",
    text: str = "It moves to the right {<TEMP-010><TEMP-050>}: [SEG].",
) -> Answer:
    """An answer whose masks follow the squares of `drawn_clip` on every few frames."""
    clip = drawn_clip() if clip is None else clip
    count = len(clip.frame_idxs)
    shown = np.arange(0, count, mask_every)
    tracks = tuple(
        MaskTrack.from_masks(
            frame_idxs=clip.frame_idxs[shown],
            times_s=clip.timestamps_s[shown],
            masks=np.stack(
                [
                    square_mask(
                        i, count, clip.height, clip.width, lane=(k + 0.5) / max(num_objects, 1)
                    )
                    for i in shown
                ]
            ),
            scores=np.linspace(0.9, 0.6, len(shown), dtype=np.float32),
        )
        for k in range(num_objects)
    )
    return Answer(
        question=question,
        text=text,
        token_ids=(5, 6, 7),
        spans=tuple(spans),
        masks=tracks,
        stop_reason=StopReason.END,
        stats=drawn_stats(),
        clip=clip,
    )


def located(
    clip: Clip,
    spans: Sequence[TimeSpan] = (),
    stop_reason: StopReason = StopReason.END,
    *,
    event: str = "the bright square stops",
    text: str = "",
) -> LocateResult:
    """What `Session.locate` would return."""
    return LocateResult(event, text, (), tuple(spans), (), stop_reason, drawn_stats(), clip)


def segmented(
    clip: Clip,
    masks: Sequence[MaskTrack] = (),
    stop_reason: StopReason = StopReason.END,
    *,
    expression: str = "the bright square",
    text: str = "",
    is_absent: bool = False,
) -> SegmentResult:
    """What `Session.segment` would return."""
    return SegmentResult(
        expression, text, (), (), tuple(masks), stop_reason, drawn_stats(), clip, is_absent
    )


def followed(clip: Clip, track_id: int, *, lane: float = 0.5) -> ObjectTrack:
    """A track of the square of `drawn_clip`, which is born on the first frame and lost later."""
    count = len(clip.frame_idxs)
    masks = np.stack(
        [square_mask(i, count, clip.height, clip.width, lane=lane) for i in range(count)]
    )
    plain = MaskTrack.from_masks(
        clip.frame_idxs, clip.timestamps_s, masks, np.linspace(0.9, 0.1, count, dtype=np.float32)
    )
    events = [
        TrackEvent(kind, float(clip.timestamps_s[at]), int(clip.frame_idxs[at]), track_id)
        for kind, at in ((TrackEventKind.BORN, 0), (TrackEventKind.LOST, 5))
    ]
    return ObjectTrack(
        plain.frame_idxs,
        plain.times_s,
        plain.runs,
        plain.scores,
        plain.height,
        plain.width,
        id=track_id,
        name="the square",
        object_scores=np.linspace(4, -2, count, dtype=np.float32),
        was_prompted=np.arange(count) == 0,
        events=tuple(events),
    )


def tracked(
    clip: Clip,
    masks: Sequence[ObjectTrack] = (),
    stop_reason: StopReason = StopReason.END,
    *,
    names: Sequence[str] | None = None,
    absent: Sequence[str] = (),
) -> TrackResult:
    """What `Session.track` would return."""
    names = [track.name for track in masks] if names is None else names
    return TrackResult(
        question="the square",
        text="",
        token_ids=(),
        spans=(),
        masks=tuple(masks),
        stop_reason=stop_reason,
        stats=drawn_stats(),
        clip=clip,
        names=tuple(names),
        absent=tuple(absent),
    )
