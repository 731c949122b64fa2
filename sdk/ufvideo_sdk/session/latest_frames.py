"""The latest frames of a stream, one by one."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.results.stream_frame import StreamFrame


class LatestFrames:
    """What `Stream` says of single frames, from any thread."""

    @abstractmethod
    def _open_live(self) -> _native.VideoStream:
        """The native stream; raises StateError if it is closed."""

    @property
    def newest(self) -> StreamFrame | None:
        """The frame that was encoded last, in the window or not; None before the first one."""
        live = self._open_live()
        frames = live.frames_after(live.statistics().num_encoded - 2)
        if not frames:
            return None
        return StreamFrame(frames[-1].frame_idx, frames[-1].time_s, frames[-1].change)

    def pixels(self, frame_idx: int) -> NDArray[np.uint8] | None:
        """The pixels of a frame that is in the window, or behind it until its pair is whole.

        Args:
            frame_idx: Its number among the frames that the stream has taken.

        Returns:
            RGB, uint8 [H, W, 3], read-only; None if they are not held any more.
        """
        frames = self._open_live().frames_after(frame_idx - 1)
        return frames[0].pixels if frames and frames[0].frame_idx == frame_idx else None
