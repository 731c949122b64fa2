"""Spans of time."""

from __future__ import annotations

from dataclasses import dataclass

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.finite import is_finite_number, shown_number


@dataclass(frozen=True)
class TimeSpan:
    """A span of the source in seconds, on the source's own clock; a moment has start == end.

    Raises:
        InputError: When a time is not finite or the end lies before the start.
    """

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        """Check the order of the two times."""
        if not (is_finite_number(self.start_s) and is_finite_number(self.end_s)):
            raise InputError(
                f"expected finite times, got {shown_number(self.start_s)} s and"
                f" {shown_number(self.end_s)} s"
            )
        if self.end_s < self.start_s:
            raise InputError(f"expected start <= end, got {self.start_s} s to {self.end_s} s")

    @property
    def is_moment(self) -> bool:
        """Whether the span is a single point in time."""
        return self.start_s == self.end_s

    def __str__(self) -> str:
        """As people read it, to a hundredth of a second."""
        if self.is_moment:
            return f"{self.start_s:.2f} s"
        return f"{self.start_s:.2f} - {self.end_s:.2f} s"
