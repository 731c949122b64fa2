"""From packets that come to frames that wait to be taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ufvideo_sdk.watch.sources.capture import CaptureNotice
from ufvideo_sdk.watch.sources.frame_grid import ArrivalRate, FrameGrid
from ufvideo_sdk.watch.sources.item_queue import ItemQueue, WaitingFrame
from ufvideo_sdk.watch.sources.options import CaptureOptions
from ufvideo_sdk.watch.sources.picture_watch import PictureWatch
from ufvideo_sdk.watch.sources.section_times import PacketTime

# Frames a second where nothing has been measured yet.
_USUAL_RATE = 25.0


class FrameIntake:
    """Takes frames on the grid, whatever they come from; belongs to the reading thread."""

    def __init__(self, options: CaptureOptions, queue: ItemQueue) -> None:
        """Begin before the first frame.

        Args:
            options: How a source is captured.
            queue: Where frames, and notices of their pictures, wait.
        """
        self._queue = queue
        self._grid = FrameGrid(options.sample_fps)
        self.rate = ArrivalRate()
        self.pictures = PictureWatch(options.dark_s, options.frozen_s)
        self._size: tuple[int, int] | None = None
        self.last_s: float | None = None
        self.last_step_s: float | None = None
        self._last_wall_s = 0.0
        self.drops_frozen = False
        """Whether a frozen picture is no frame at all, as of a camera."""

    def frame(
        self,
        picture: Any,
        times: PacketTime,
        section: int,
        pts: int,
        admit: Callable[[float, float], bool] | None = None,
    ) -> WaitingFrame | None:
        """A whole frame came.

        Args:
            picture: PyAV's frame.
            times: Its times.
            section: Number of its section.
            pts: Its presentation time.
            admit: Is called with the time of a frame and the usual time between two before anything
                is told of the frame, and says whether it is in time.

        Returns:
            The frame if it was taken.
        """
        time_s = times.time_s
        if self.last_s is not None and time_s <= self.last_s:
            self._queue.count_dropped("late")
            return None
        self.rate.add()
        step_s = 1.0 / (self.rate.per_s or _USUAL_RATE)
        notices = self.pictures.look(time_s, picture, 10 * step_s)
        if self.drops_frozen and self.pictures.is_frozen:
            self._tell(notices)
            self._queue.count_dropped("frozen")
            return None
        if admit is not None and not admit(time_s, step_s):
            self._queue.count_dropped("late")
            return None
        self.last_step_s = None if self.last_s is None else time_s - self.last_s
        self.last_s = time_s
        self._tell(notices)
        self._tell_size(time_s, picture.width, picture.height)
        if not self._grid.takes(time_s):
            self._queue.count_dropped("grid")
            return None
        return self._wait(picture, times, section, pts)

    def _wait(self, picture: Any, times: PacketTime, section: int, pts: int) -> WaitingFrame | None:
        wall_s = times.wall_s
        if wall_s is not None:
            # A clock that is set back does not take its frames with it.
            wall_s = max(wall_s, self._last_wall_s)
            self._last_wall_s = wall_s
        waiting = WaitingFrame(
            times.time_s, wall_s, times.clock, section, pts, picture, time.monotonic()
        )
        return waiting if self._queue.put_frame(waiting) else None

    def _tell(self, notices: list[CaptureNotice]) -> None:
        for notice in notices:
            self._queue.put(notice)

    def _tell_size(self, time_s: float, width: int, height: int) -> None:
        if self._size not in (None, (width, height)):
            before = "{} x {}".format(*self._size) if self._size else ""
            text = f"pictures are {width} x {height} px, they were {before}"
            self._queue.put(CaptureNotice("size", time_s, text))
        self._size = (width, height)
