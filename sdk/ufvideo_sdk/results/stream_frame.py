"""A frame that a stream has looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StreamFrame:
    """A frame that a stream has taken and encoded.

    Attributes:
        frame_idx: Its number among the frames that the stream has taken.
        time_s: Its stream time in seconds.
        change: How much it differs from the frame before, from 0.0, not at all, to 1.0, measured on
            its vision features (docs/guides/streams.md); None for the first frame.
    """

    frame_idx: int
    time_s: float
    change: float | None
