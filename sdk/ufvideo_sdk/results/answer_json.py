"""Results as JSON, and their masks back from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ufvideo_sdk.errors import CapacityError, InputError
from ufvideo_sdk.results.answer import Answer, AnswerStats, StageProviders
from ufvideo_sdk.results.locate_result import LocateResult
from ufvideo_sdk.results.masks import MaskTrack
from ufvideo_sdk.results.object_track import ObjectTrack
from ufvideo_sdk.results.result import Result
from ufvideo_sdk.results.segment_result import SegmentResult
from ufvideo_sdk.results.stream_span import StreamSpan
from ufvideo_sdk.results.time_span import TimeSpan
from ufvideo_sdk.results.track_event import TrackEvent
from ufvideo_sdk.results.track_result import TrackResult
from ufvideo_sdk.validation.arguments import as_number, check_num_pixels
from ufvideo_sdk.validation.strict_json import shown

if TYPE_CHECKING:
    from ufvideo_sdk.video.clip import Clip

_MAX_INT64 = int(np.iinfo(np.int64).max)
_MAX_FLOAT32 = float(np.finfo(np.float32).max)


def result_to_json(result: Result) -> str:
    """Write a result as one JSON object, keys in a fixed order, with a newline at the end."""
    return json.dumps(result_object(result), indent=2, ensure_ascii=False) + "\n"


def masks_from_json(text: str) -> tuple[MaskTrack, ...]:
    """Read the masks back from what `to_json` of any result wrote.

    Args:
        text: The JSON text, of any result.

    Returns:
        One track for each object, equal to the answer's.

    Raises:
        InputError: When the text is not such a JSON object, a number is of another kind than
            `to_json` writes, or a mask has more pixels than a picture can have.
        CapacityError: When memory does not hold the text's objects.
    """
    try:
        tracks = json.loads(text)["masks"]
        return tuple(_track_from_object(track) for track in _checked_list(tracks, "masks"))
    except InputError:
        raise
    except MemoryError:
        raise CapacityError("expected memory for what the JSON holds") from None
    # Numbers beyond int64, and lists within lists without end, are no answer's either.
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InputError(f"expected the JSON of an answer, got {error!r} in it") from error


def result_object(result: Result) -> dict[str, Any]:
    """What `result_to_json` writes.

    `is_absent` stands in results of `locate`, `segment` and `track`, `absent` in those of `track`.
    """
    choice, probabilities = None, None
    if isinstance(result, Answer):
        choice, probabilities = result.choice, result.choice_probabilities
    is_absent = {}
    if isinstance(result, (LocateResult, SegmentResult, TrackResult)):
        is_absent = {"is_absent": result.is_absent}
    absent = {"absent": list(result.absent)} if isinstance(result, TrackResult) else {}
    return {
        "question": result.question,
        "text": result.text,
        "choice": choice,
        "choice_probabilities": None if probabilities is None else dict(probabilities),
        "token_ids": list(result.token_ids),
        "stop_reason": result.stop_reason.value,
        **is_absent,
        **absent,
        "spans": [_span_object(span) for span in result.spans],
        "masks": [_track_object(track) for track in result.masks],
        "stats": stats_object(result.stats),
        "clip": _clip_object(result.clip),
    }


def _span_object(span: TimeSpan) -> dict[str, Any]:
    plain: dict[str, Any] = {"start_s": span.start_s, "end_s": span.end_s}
    if not isinstance(span, StreamSpan):
        return plain
    return {
        **plain,
        "start_utc": None if span.start_utc is None else span.start_utc.isoformat(),
        "end_utc": None if span.end_utc is None else span.end_utc.isoformat(),
        "clock": span.clock,
        "begins_before_window": span.begins_before_window,
        "ends_after_window": span.ends_after_window,
    }


def stats_object(stats: AnswerStats) -> dict[str, Any]:
    """Statistics, for JSON."""
    return {
        "num_prefill_tokens": stats.num_prefill_tokens,
        "num_reused_tokens": stats.num_reused_tokens,
        "num_generated_tokens": stats.num_generated_tokens,
        "time_to_first_token_ms": stats.time_to_first_token_ms,
        "decode_ms": stats.decode_ms,
        "tokens_per_s": stats.tokens_per_s,
        "stages": {stem: dict(vars(stage)) for stem, stage in stats.stages.items()},
        "providers": providers_object(stats.providers),
    }


def _clip_object(clip: Clip) -> dict[str, Any]:
    return {
        "name": clip.name,
        "is_image": clip.is_image,
        "height": clip.height,
        "width": clip.width,
        "num_frames": len(clip.frame_idxs),
        "first_frame_idx": int(clip.frame_idxs[0]),
        "last_frame_idx": int(clip.frame_idxs[-1]),
        "start_s": float(clip.timestamps_s[0]),
        "end_s": float(clip.timestamps_s[-1]),
        "damage": list(clip.damage),
    }


def providers_object(providers: Mapping[str, StageProviders]) -> dict[str, Any]:
    """What each stage runs on, for JSON."""
    return {
        stem: {
            "used": list(stage.used),
            "num_nodes": dict(stage.num_nodes),
            "left_out": dict(stage.left_out),
        }
        for stem, stage in providers.items()
    }


def _track_object(track: MaskTrack) -> dict[str, Any]:
    """A track; `id`, `name` and `events` stand in those that memory carried."""
    size = [track.height, track.width]
    frames: list[dict[str, Any]] = [
        {
            "frame_idx": int(frame_idx),
            "time_s": time_s,
            "score": _as_decimal(score),
            "rle": {"size": [*size], "counts": runs},
        }
        for frame_idx, time_s, score, runs in zip(
            track.frame_idxs, track.times_s.tolist(), track.scores, track.runs, strict=True
        )
    ]
    if not isinstance(track, ObjectTrack):
        return {"frames": frames, "size": size}
    for frame, score, was_prompted in zip(
        frames, track.object_scores, track.was_prompted.tolist(), strict=True
    ):
        frame |= {"object_score": _as_decimal(score), "was_prompted": was_prompted}
    events = [event.to_dict() for event in track.events]
    return {"id": track.id, "name": track.name, "events": events, "frames": frames, "size": size}


def _as_decimal(score: np.float32) -> float:
    """The shortest decimal that reads back as the same float32."""
    return float(str(score))


def _track_from_object(track: dict[str, Any]) -> MaskTrack:
    height, width = track["size"]
    check_num_pixels(height, width)
    frames = _checked_list(track["frames"], "frames")
    # Nothing is decoded, so a mask takes no memory for the size that the text claims.
    parts = (
        np.array([_frame_idx(frame["frame_idx"]) for frame in frames], np.int64),
        np.array([_time_s(frame["time_s"]) for frame in frames], np.float64),
        tuple(_runs_of_frame(frame, height, width) for frame in frames),
        np.array([_score(frame["score"], "score") for frame in frames], np.float32),
        height,
        width,
    )
    if "events" not in track:
        return MaskTrack(*parts)
    return ObjectTrack(
        *parts,
        id=track["id"],
        name=track["name"],
        object_scores=np.array(
            [_score(frame["object_score"], "object_score") for frame in frames], np.float32
        ),
        was_prompted=np.array([_flag(frame["was_prompted"]) for frame in frames], np.bool_),
        events=tuple(TrackEvent(**event) for event in _checked_list(track["events"], "events")),
    )


def _checked_list(value: object, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(f"expected the JSON of an answer, got {shown(value)} as its {name}")
    return value


def _frame_idx(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_INT64:
        raise InputError(f"frame_idx: expected an integer from 0 on, got {shown(value)}")
    return value


def _time_s(value: object) -> float:
    number = as_number(value)
    if number is None:
        raise InputError(f"time_s: expected a finite number, got {shown(value)}")
    return number


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"was_prompted: expected true or false, got {shown(value)}")
    return value


def _score(value: object, name: str) -> float:
    # Python compares an integer of any size with a float, where a conversion could overflow.
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not -_MAX_FLOAT32 <= value <= _MAX_FLOAT32:  # type: ignore[operator]
        raise InputError(f"{name}: expected a number that float32 holds, got {shown(value)}")
    return float(value)  # type: ignore[arg-type]


def _runs_of_frame(frame: dict[str, Any], height: int, width: int) -> str:
    if frame["rle"]["size"] != [height, width]:
        raise InputError(
            f"expected masks of {height} x {width} px, got {_shown_size(frame['rle']['size'])} at"
            f" frame {shown(frame['frame_idx'])}"
        )
    runs: str = frame["rle"]["counts"]
    return runs


def _shown_size(size: object) -> str:
    """Both sides, or what stands there instead, in printable characters."""
    sides = size if isinstance(size, list) and len(size) == 2 else [size]
    return " x ".join(shown(side) for side in sides)
