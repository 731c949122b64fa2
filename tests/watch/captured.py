"""What tests of captures share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ufvideo_sdk.watch.sources import (
    Capture,
    CaptureEnded,
    CaptureGap,
    CaptureItem,
    CaptureNotice,
    PacketListener,
    SectionHeader,
    SourcePacket,
    TakenFrame,
)


def open_descriptors() -> int:
    """How many file descriptors this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@dataclass
class Told:
    """Items of a capture by kind, in order."""

    items: list[CaptureItem] = field(default_factory=list)

    @property
    def frames(self) -> list[TakenFrame]:
        return [item for item in self.items if isinstance(item, TakenFrame)]

    @property
    def gaps(self) -> list[CaptureGap]:
        return [item for item in self.items if isinstance(item, CaptureGap)]

    @property
    def notices(self) -> list[CaptureNotice]:
        return [item for item in self.items if isinstance(item, CaptureNotice)]

    @property
    def kinds(self) -> list[str]:
        return [notice.kind for notice in self.notices]

    @property
    def ended(self) -> CaptureEnded | None:
        last = self.items[-1] if self.items else None
        return last if isinstance(last, CaptureEnded) else None

    @property
    def times_s(self) -> list[float]:
        return [frame.time_s for frame in self.frames]


def taken_until(
    capture: Capture,
    enough: Callable[[Told], bool],
    limit_s: float = 20.0,
    told: Told | None = None,
) -> Told:
    """Take items until they are enough; fails when that takes too long."""
    told = Told() if told is None else told
    deadline = time.monotonic() + limit_s
    while not enough(told):
        assert time.monotonic() < deadline, f"not told in {limit_s} s: {told.items[-12:]}"
        item = capture.take(0.1)
        if item is not None:
            told.items.append(item)
    return told


def taken_to_end(capture: Capture, limit_s: float = 20.0) -> Told:
    """Take items until the source is over."""
    return taken_until(capture, lambda told: told.ended is not None, limit_s)


@dataclass
class HeldPackets:
    """A listener that holds all it is told."""

    headers: list[SectionHeader] = field(default_factory=list)
    packets: list[SourcePacket] = field(default_factory=list)

    def begin(self, header: SectionHeader) -> None:
        self.headers.append(header)

    def packet(self, packet: SourcePacket) -> None:
        self.packets.append(packet)


class Several:
    """Tells several listeners."""

    def __init__(self, *listeners: PacketListener) -> None:
        self._listeners = listeners

    def begin(self, header: SectionHeader) -> None:
        for listener in self._listeners:
            listener.begin(header)

    def packet(self, packet: SourcePacket) -> None:
        for listener in self._listeners:
            listener.packet(packet)
