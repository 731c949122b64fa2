"""Spans of time of a live stream."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ufvideo_sdk.results.time_span import TimeSpan


@dataclass(frozen=True)
class StreamSpan(TimeSpan):
    """A span in stream seconds, and in UTC where the stream knows it.

    Attributes:
        start_utc: When it starts; None if the frames there have no time of day.
        end_utc: When it ends.
        clock: Whose clock these are: "camera", "arrival" or "file" (`UFVideo.open_stream`).
        begins_before_window: Whether it starts with the first frame that was looked at, so that it
            may have begun before.
        ends_after_window: Whether it ends with the last frame, so that it may go on.
    """

    start_utc: datetime | None = None
    end_utc: datetime | None = None
    clock: str = "arrival"
    begins_before_window: bool = False
    ends_after_window: bool = False
