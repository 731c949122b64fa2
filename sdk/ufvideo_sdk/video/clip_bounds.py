"""Which frames of a source lie between two times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.arguments import as_number
from ufvideo_sdk.validation.finite import shown_number
from ufvideo_sdk.video.frame_source import RecordedSource


def inside_bounds(
    source: RecordedSource, start_s: float | None, end_s: float | None
) -> NDArray[np.bool_]:
    """Which frames of a source lie between two times in seconds, both ends included, bool [n].

    Raises:
        InputError: When the bounds are not finite or in disorder, hold no frame, or are given for
            an image.
    """
    times = source.timestamps_s
    if start_s is None and end_s is None:
        return np.ones(len(times), np.bool_)
    if source.is_image:
        raise InputError(f"{source.name}: expected no start_s and end_s for an image, got them")
    start = _bound("start_s", start_s, float(times[0]))
    end = _bound("end_s", end_s, float(times[-1]))
    if start_s is not None and end_s is not None and start > end:
        raise InputError(f"expected start_s <= end_s, got {start} and {end}")
    inside: NDArray[np.bool_] = (times >= start) & (times <= end)
    if inside.any():
        return inside
    span = f"its frames lie between {times[0]:.3f} s and {times[-1]:.3f} s"
    if start > times[-1]:
        raise InputError(
            f"{source.name}: expected start_s within the video, {start} s is behind its end: {span}"
        )
    if end < times[0]:
        raise InputError(
            f"{source.name}: expected end_s within the video, {end} s is before its start: {span}"
        )
    raise InputError(
        f"{source.name}: expected a frame between {start} s and {end} s, {span} and none is"
        " that near"
    )


def _bound(key: str, value: object, default: float) -> float:
    if value is None:
        return default
    seconds = as_number(value)
    if seconds is None:
        raise InputError(f"{key}: expected finite seconds or None, got {shown_number(value)}")
    return seconds
