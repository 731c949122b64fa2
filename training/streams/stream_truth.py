"""What is true of a rendered stream, as a file beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

Span = tuple[float, float]


@dataclass(frozen=True)
class TruthMove:
    """A thing goes from one place to another.

    Attributes:
        name: What it is called.
        direction: "left" or "right".
        start_s: When it begins, seconds of the stream.
        end_s: When it ends.
        is_plain: Whether it is seen whole, between two stops. Coming in, leaving and going behind
            the post are movements too, but one says them otherwise.
    """

    name: str
    direction: str
    start_s: float
    end_s: float
    is_plain: bool


@dataclass(frozen=True)
class TruthTrack:
    """A thing while it is seen without a break.

    Attributes:
        name: What it is called.
        start_s: First frame on which half of it is seen, seconds of the stream.
        end_s: Last such frame.
        points: Seconds and its middle, fractions of the picture, joined by straight lines.
    """

    name: str
    start_s: float
    end_s: float
    points: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class StreamTruth:
    """What is true of a stream. A thing is there while half of it or more is seen.

    Attributes:
        seed: What it was made from.
        duration_s: Seconds.
        numbers: When the number of things that are there changes, and to what; from 0 s on.
        tracks: In order of their starts.
        moves: In order of their starts.
    """

    seed: int
    duration_s: float
    numbers: tuple[tuple[float, int], ...]
    tracks: tuple[TruthTrack, ...]
    moves: tuple[TruthMove, ...]

    def present(self, name: str) -> list[Span]:
        """When a thing of this name is there."""
        return [(track.start_s, track.end_s) for track in self.tracks if track.name == name]

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> StreamTruth:
        """Read what `write` wrote."""
        held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        tracks = [dict(each, points=tuple(map(tuple, each["points"]))) for each in held["tracks"]]
        return cls(
            seed=held["seed"],
            duration_s=held["duration_s"],
            numbers=tuple((time_s, number) for time_s, number in held["numbers"]),
            tracks=tuple(TruthTrack(**each) for each in tracks),
            moves=tuple(TruthMove(**each) for each in held["moves"]),
        )
