"""What every source gives, whatever reads it.

Stream time starts at 0.0 with the first frame and never goes back, across reconnects too; it is in
seconds. A section is what one connection gave: packets of one codec and one size, with presentation
times of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class TakenFrame:
    """A frame that was taken.

    Attributes:
        time_s: Its stream time, later than that of every frame before.
        wall_s: The time of day, seconds since 1970 in UTC; None where nobody knows it.
        clock: Whose clock `wall_s` is: "camera", "arrival" or "file".
        pixels: RGB, uint8 [H, W, 3]; whoever takes it owns it.
        section: Which section it belongs to, from 0.
        pts: Its presentation time in its section, in the section's time base.
    """

    time_s: float
    wall_s: float | None
    clock: str
    pixels: NDArray[np.uint8]
    section: int
    pts: int


@dataclass(frozen=True)
class CaptureGap:
    """Frames are missing. One that lasts is told when it is noticed, and its rest when it ends.

    Attributes:
        start_s: The time of the last frame before.
        end_s: The time of the first frame after, or the latest time without one so far.
        cause: Why, such as "stalled" or "connection lost".
    """

    start_s: float
    end_s: float
    cause: str


@dataclass(frozen=True)
class CaptureNotice:
    """Something that a person wants to know of a camera.

    Attributes:
        kind: "lost", "refused", "stalled", "frozen" and "resumed"; "moving" after "frozen"; "dark"
            and "light"; "damaged"; "size"; "clock"; "skipped", of a file that cannot be read.
        time_s: Stream time at which it was noticed.
        text: The same in words; no credential is part of it.
    """

    kind: str
    time_s: float
    text: str


@dataclass(frozen=True)
class CaptureEnded:
    """The source is over; nothing follows.

    Attributes:
        time_s: The time of its last frame.
        cause: Why, such as "end of the stream".
    """

    time_s: float
    cause: str


CaptureItem = TakenFrame | CaptureGap | CaptureNotice | CaptureEnded


@dataclass(frozen=True)
class CaptureStats:
    """Counts of a capture, from its start.

    Attributes:
        num_taken: Frames that were handed out.
        dropped_by: Frames that were not, by cause: "grid" (between two points of the grid), "age"
            (nobody took them in time), "late" (not later than the one before, or told missing),
            "damaged", "frozen" (the same picture for too long).
        num_connections: Connections that gave a frame.
        frame_rate: Frames a second that arrive, measured over the latest seconds; None before.
        clock: Quality of the clock: "camera", "arrival" or "file".
        clock_error_s: How far stream time is from arrival, a smoothed difference; None before.
    """

    num_taken: int
    dropped_by: dict[str, int]
    num_connections: int
    frame_rate: float | None
    clock: str
    clock_error_s: float | None


class Capture(Protocol):
    """A source that is read. Its reading thread always drains, however slowly frames are taken."""

    @property
    def name(self) -> str:
        """The source without credentials, for messages and files."""

    @property
    def stats(self) -> CaptureStats:
        """Counts so far, from any thread."""

    def take(self, timeout_s: float) -> CaptureItem | None:
        """Return what comes next, in order; None if nothing came in time."""

    def close(self) -> None:
        """Stop reading, and wait until the thread has ended."""
