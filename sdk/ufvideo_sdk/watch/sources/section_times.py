"""From presentation times of a section to stream time."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol


@dataclass(frozen=True)
class PacketTime:
    """When the picture of a packet is shown.

    Attributes:
        time_s: Its stream time.
        wall_s: The time of day, seconds since 1970 in UTC; None: unknown.
        clock: Whose clock `wall_s` is.
        jump_s: How far the timestamps have jumped with this packet, beyond what has passed.
    """

    time_s: float
    wall_s: float | None
    clock: str
    jump_s: float = 0.0


class SectionTimes(Protocol):
    """Tells the times of a section's packets, in the order in which they come."""

    def of(self, pts: int, time_base: Fraction, reference_s: float | None) -> PacketTime:
        """The times of a packet that came just now.

        Args:
            pts: Its presentation time.
            time_base: Seconds of a unit of that.
            reference_s: What the camera says of its time of day, seconds since 1970; None: nothing.
        """


class FileTimes:
    """Times of a file: its own, behind whatever came before it."""

    def __init__(self, start_s: float, start_wall_s: float | None) -> None:
        """Begin a file.

        Args:
            start_s: Stream time of its first picture.
            start_wall_s: Time of day of its first picture; None: unknown.
        """
        self._start_s = start_s
        self._start_wall_s = start_wall_s
        self._first_pts: int | None = None

    def of(self, pts: int, time_base: Fraction, reference_s: float | None) -> PacketTime:
        """The times of a packet; see `SectionTimes`."""
        if self._first_pts is None:
            self._first_pts = pts
        since_s = float((pts - self._first_pts) * time_base)
        wall_s = None if self._start_wall_s is None else self._start_wall_s + since_s
        return PacketTime(self._start_s + since_s, wall_s, "file")
