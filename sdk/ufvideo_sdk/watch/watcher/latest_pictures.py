"""Pictures of a camera's latest seconds, for sinks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.watch.sinks.sink import ClipPart
from ufvideo_sdk.watch.sources.packet_ring import PacketRing
from ufvideo_sdk.watch.watcher.camera_state import CameraState
from ufvideo_sdk.watch.watcher.camera_view import CameraView


class LatestPictures:
    """Implements `sinks.sink.CameraPictures`: any thread may call any function."""

    def __init__(
        self, name: str, view: CameraView, state: CameraState, ring: PacketRing | None
    ) -> None:
        """Keep where they are.

        Args:
            name: Name of the camera.
            view: Its window of the model.
            state: Knows times of day.
            ring: The latest packets; None: no sink needs clips.
        """
        self._name = name
        self._view = view
        self._state = state
        self._ring = ring

    @property
    def name(self) -> str:
        """Name of the camera."""
        return self._name

    def frame(self, frame_idx: int) -> NDArray[np.uint8] | None:
        """A frame that was looked at, RGB uint8 [H, W, 3]; None if it is not held any more."""
        return self._view.pixels(frame_idx)

    def wall_s(self, time_s: float) -> float | None:
        """The time of day at a stream time, seconds since 1970 in UTC; None where unknown."""
        return self._state.wall_s(time_s)

    def write_clip(self, folder: Path, stem: str, start_s: float, end_s: float) -> list[ClipPart]:
        """Write packets as files; see `PacketRing.write_clip`."""
        if self._ring is None:
            return []
        return self._ring.write_clip(folder, stem, start_s, end_s)
