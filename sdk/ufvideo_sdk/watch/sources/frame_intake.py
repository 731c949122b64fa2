"""From packets that come to frames that wait to be taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ufvideo_sdk.watch.sources.capture import CaptureNotice
from ufvideo_sdk.watch.sources.frame_grid import ArrivalRate, FrameGrid
from ufvideo_sdk.watch.sources.item_queue import ItemQueue, WaitingFrame
from ufvideo_sdk.watch.sources.options import CaptureOptions
from ufvideo_sdk.watch.sources.packet_feed import PacketFeed
from ufvideo_sdk.watch.sources.picture_watch import PictureWatch
from ufvideo_sdk.watch.sources.section_times import PacketTime

# Times of packets whose pictures have not come out of the decoder.
_MAX_DELAYED = 256
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
        self.last_s = time_s
        self._tell(notices)
        self._tell_size(time_s, picture.width, picture.height)
        if not self._grid.takes(time_s):
            self._queue.count_dropped("grid")
            return None
        return self._wait(picture, times, section, pts)

    def _wait(self, picture: Any, times: PacketTime, section: int, pts: int) -> WaitingFrame:
        wall_s = times.wall_s
        if wall_s is not None:
            # A clock that is set back does not take its frames with it.
            wall_s = max(wall_s, self._last_wall_s)
            self._last_wall_s = wall_s
        waiting = WaitingFrame(
            times.time_s, wall_s, times.clock, section, pts, picture, time.monotonic()
        )
        self._queue.put_frame(waiting)
        return waiting

    def _tell(self, notices: list[CaptureNotice]) -> None:
        for notice in notices:
            self._queue.put(notice)

    def _tell_size(self, time_s: float, width: int, height: int) -> None:
        if self._size not in (None, (width, height)):
            before = "{} x {}".format(*self._size) if self._size else ""
            text = f"pictures are {width} x {height} px, they were {before}"
            self._queue.put(CaptureNotice("size", time_s, text))
        self._size = (width, height)


class Decoding:
    """Decodes the packets of one connection into an intake."""

    def __init__(
        self,
        context: Any,
        feed: PacketFeed,
        intake: FrameIntake,
        queue: ItemQueue,
        admit: Callable[[float, float], bool] | None = None,
    ) -> None:
        """Begin before the first packet.

        Args:
            context: PyAV's decoder.
            feed: Gives packets their times.
            intake: Takes the frames.
            queue: Counts damaged ones.
            admit: See `FrameIntake.frame`.
        """
        self._context = context
        self._feed = feed
        self._intake = intake
        self._queue = queue
        self._admit = admit
        self._delayed: dict[int, tuple[PacketTime, int]] = {}

    def packet(self, packet: Any) -> None:
        """Decode a packet as it was read."""
        from av import FFmpegError

        for ready in self._feed.prepared(packet):
            self._delayed[ready.packet.pts] = (ready.time, ready.section)
            while len(self._delayed) > _MAX_DELAYED:
                del self._delayed[next(iter(self._delayed))]
            try:
                frames = self._context.decode(ready.packet)
            except FFmpegError:
                self._queue.count_dropped("damaged")
                continue
            self._hand_on(frames)

    def finish(self) -> None:
        """Take what the decoder still holds."""
        from av import FFmpegError

        try:
            self._hand_on(self._context.decode(None))
        except (FFmpegError, EOFError):
            return

    def _hand_on(self, frames: list[Any]) -> None:
        for frame in frames:
            found = self._delayed.pop(frame.pts, None) if frame.pts is not None else None
            if found is None or frame.is_corrupt:
                self._queue.count_dropped("damaged")
                continue
            times, section = found
            self._intake.frame(frame, times, section, frame.pts, self._admit)
