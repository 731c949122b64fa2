"""What every sink is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.watch.engine.facts import Fact
from ufvideo_sdk.watch.sources.capture import CaptureNotice


@dataclass(frozen=True)
class ClipPart:
    """A part of a clip that was written.

    Attributes:
        path: The file.
        start_s: Stream time of its first frame.
        end_s: Stream time of its last frame.
    """

    path: Path
    start_s: float
    end_s: float


@dataclass(frozen=True)
class SinkStats:
    """Counts of a sink, from its start.

    Attributes:
        name: Such as "webhook".
        num_delivered: What arrived.
        num_waiting: What is still to be delivered.
        num_dropped: What was dropped because too much waited, or because the watch ended.
        num_failed: What was given up.
        problem: Why the latest attempt failed; empty once one has succeeded. No secret is in it.
    """

    name: str
    num_delivered: int = 0
    num_waiting: int = 0
    num_dropped: int = 0
    num_failed: int = 0
    problem: str = ""


class CameraPictures(Protocol):
    """Pictures of a camera's latest seconds, from any thread."""

    @property
    def name(self) -> str:
        """Name of the camera; no credential is part of it."""

    def frame(self, frame_idx: int) -> NDArray[np.uint8] | None:
        """A taken frame, RGB uint8 [H, W, 3]; None if it is not held any more."""

    def wall_s(self, time_s: float) -> float | None:
        """The time of day at a stream time, seconds since 1970 in UTC; None where it is unknown."""

    def write_clip(self, folder: Path, stem: str, start_s: float, end_s: float) -> list[ClipPart]:
        """Write the packets from `start_s` to `end_s`, cut to what is held, one file a section."""


class Sink(Protocol):
    """Is told every fact of a camera in order (`Engine`), and the camera's notices.

    None of these calls waits for a disk or a network: a sink has a thread of its own for that, and
    a queue with a bound, of which it drops the oldest and counts what it dropped.
    """

    def take(self, fact: Fact) -> None:
        """A fact."""

    def notice(self, notice: CaptureNotice) -> None:
        """Something that a person wants to know, in the order in which it was noticed."""

    def close(self, timeout_s: float) -> None:
        """Finish what is begun, within a time, and end the thread."""
