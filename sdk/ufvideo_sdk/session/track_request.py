"""What is to be tracked in a clip, checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.results.result import Result
from ufvideo_sdk.runtime.track_config import MAX_PROMPTED, TrackConfig
from ufvideo_sdk.session.request import RequestBuilder, SegmentFrames
from ufvideo_sdk.tracking.native_tracker import NUM_MEMORIES, TrackerSettings
from ufvideo_sdk.tracking.prompting import Prompting, Reprompt, prompting_of
from ufvideo_sdk.tracking.target import Target, targets_of
from ufvideo_sdk.validation.arguments import as_number, described
from ufvideo_sdk.video.clip import Clip

DEFAULT_SETTINGS = TrackerSettings("sam2", NUM_MEMORIES, MAX_PROMPTED)
"""How the objects of an answer are remembered."""


@dataclass(frozen=True, eq=False)
class TrackRequest:
    """Objects to track in a clip.

    Attributes:
        targets: What names each of them, with its state.
        frame_idxs: Source indices of the frames to track on, ascending, int64 [F].
        start: Position among these of the frame that every object is prompted on; None: for each
            object one on which it is seen well (`BestStart`).
        settings: What an object's memory is like.
        prompting: When an object is prompted again.
    """

    targets: tuple[Target, ...]
    frame_idxs: NDArray[np.int64]
    start: int | None
    settings: TrackerSettings
    prompting: Prompting


@dataclass(frozen=True, eq=False)
class TrackOptions:
    """How to track, as the caller puts it (see `Session.track`)."""

    start_s: object
    frames: SegmentFrames
    memory: str
    num_memories: int
    reprompt: Reprompt
    verify_s: float | None
    allow_absent: bool
    tracking: TrackConfig


def track_request(
    given: object, options: TrackOptions, clip: Clip, requests: RequestBuilder
) -> TrackRequest:
    """Build the request of what is to be tracked in a clip.

    Args:
        given: An expression, a result whose every [SEG] names an object, or a sequence of these.
        options: How to track.
        clip: Where.
        requests: Knows which frames are asked for.

    Raises:
        InputError: Naming the argument and what is allowed.
    """
    if clip.is_image:
        raise InputError("track: expected a video, an image has one frame; segment it")
    prompting = prompting_of(options.reprompt, options.verify_s, options.tracking)
    settings = TrackerSettings(options.memory, options.num_memories, prompting.config.max_prompted)
    targets = targets_of(given, allow_absent=options.allow_absent)
    for each in [given] if isinstance(given, Result) else given:  # type: ignore[attr-defined]
        if isinstance(each, Result) and each.clip is not clip:
            raise InputError(
                f"track: expected an answer about the session's own clip, {clip!r}, got one about"
                f" {each.clip!r}"
            )
    idxs = np.sort(requests.segment_idxs(options.frames, "frames"))
    start = start_position(clip, idxs, options.start_s)
    return TrackRequest(tuple(targets), idxs, start, settings, prompting)


def start_position(clip: Clip, frame_idxs: NDArray[np.int64], start_s: object) -> int | None:
    """Position of the first frame from a time on; None for None.

    Args:
        clip: What the frames are of.
        frame_idxs: Source indices of the frames to track on, ascending, int64 [F].
        start_s: Seconds of the clip, or None.

    Raises:
        InputError: When it is no time of the clip, or no frame comes after it.
    """
    if start_s is None:
        return None
    seconds = as_number(start_s)
    if seconds is None:
        raise InputError(f"start_s: expected seconds or None, got {described(start_s)}")
    times_s = clip.timestamps_s[clip.positions(frame_idxs)]
    first, last = float(clip.timestamps_s[0]), float(times_s[-1])
    if not first <= seconds <= last:
        raise InputError(
            f"start_s: expected seconds within the frames to track, {first:.3f} to {last:.3f}, got"
            f" {start_s}"
        )
    return int(np.searchsorted(times_s, seconds))
