"""Captures that tests write, in place of a camera."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import demo_clip
from ufvideo_sdk.watch.sources import (
    CaptureEnded,
    CaptureItem,
    CaptureStats,
    PacketListener,
    TakenFrame,
)

END = CaptureEnded(0.0, "end of the script")


def clip_frames() -> list[NDArray[np.uint8]]:
    """The frames of the demo clip, 8 a second."""
    import av

    with av.open(str(demo_clip())) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def taken(
    pixels: NDArray[np.uint8], time_s: float, *, clock: str = "camera", section: int = 0
) -> TakenFrame:
    """A frame of a camera whose clock began at 1000 s."""
    return TakenFrame(time_s, 1000.0 + time_s, clock, pixels, section, round(time_s * 1000))


class ScriptedCapture:
    """Hands out items in order; an item that is None means that nothing comes for a turn."""

    def __init__(self, items: Sequence[CaptureItem | None], *, endless: bool = False) -> None:
        self._items = list(items)
        self._endless = endless
        self.is_closed = False
        self.num_taken = 0
        self.dropped: dict[str, int] = {"grid": 3}

    @property
    def name(self) -> str:
        return "a script"

    @property
    def stats(self) -> CaptureStats:
        return CaptureStats(self.num_taken, dict(self.dropped), 1, 8.0, "camera", 0.01)

    def take(self, timeout_s: float) -> CaptureItem | None:
        if not self._items:
            threading.Event().wait(timeout_s)
            return None if self._endless else END
        item = self._items.pop(0)
        self.num_taken += isinstance(item, TakenFrame)
        return item

    def close(self) -> None:
        self.is_closed = True


def opener(capture: ScriptedCapture) -> Callable[[PacketListener], ScriptedCapture]:
    """What `watch` is given as a source: no packets come of it."""
    return lambda listener: capture
