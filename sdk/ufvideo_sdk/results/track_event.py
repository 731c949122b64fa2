"""What happens to a tracked object, and when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.arguments import as_integer, as_number, described


class TrackEventKind(str, Enum):
    """What happened to a tracked object."""

    BORN = "born"
    LOST = "lost"
    FOUND = "found"
    DRIFT = "drift"
    ENDED = "ended"


@dataclass(frozen=True)
class TrackEvent:
    """Something that happened to a tracked object.

    Attributes:
        kind: "born": seen for the first time. "lost": not seen for a while; the time is that of the
            first frame without it. "found": seen again. "drift": the mask is no longer trusted,
            because its predicted IoU stays low, or the model names other pixels; the time is that
            of the first such frame. "ended": the last frame it was tracked on.
        time_s: When, in seconds of the source.
        frame_idx: On which frame, by its index in the source.
        track_id: Whose: `ObjectTrack.id`.

    Raises:
        InputError: When a value is of another kind.
    """

    kind: TrackEventKind
    time_s: float
    frame_idx: int
    track_id: int

    def __post_init__(self) -> None:
        """Check every field."""
        try:
            kind = TrackEventKind(self.kind)
        except ValueError:
            kinds = ", ".join(f'"{each.value}"' for each in TrackEventKind)
            raise InputError(f"kind: expected one of {kinds}, got {described(self.kind)}") from None
        time_s = as_number(self.time_s)
        if time_s is None:
            raise InputError(f"time_s: expected a finite number, got {described(self.time_s)}")
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "time_s", time_s)
        for name in ("frame_idx", "track_id"):
            number = as_integer(getattr(self, name))
            if number is None or number < 0:
                raise InputError(
                    f"{name}: expected an integer from 0 on, got {described(getattr(self, name))}"
                )
            object.__setattr__(self, name, number)

    def to_dict(self) -> dict[str, Any]:
        """The event for JSON."""
        return {
            "kind": self.kind.value,
            "time_s": self.time_s,
            "frame_idx": self.frame_idx,
            "track_id": self.track_id,
        }

    def __str__(self) -> str:
        """As people read it."""
        return f"{self.time_s:.2f} s: {self.kind.value}"
