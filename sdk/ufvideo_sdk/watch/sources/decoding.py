"""Decode the packets of one connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ufvideo_sdk.watch.sources.capture import CaptureNotice
from ufvideo_sdk.watch.sources.frame_encoder import FrameEncoder
from ufvideo_sdk.watch.sources.frame_intake import FrameIntake
from ufvideo_sdk.watch.sources.item_queue import ItemQueue
from ufvideo_sdk.watch.sources.packet_feed import PacketFeed
from ufvideo_sdk.watch.sources.section_times import PacketTime

# Times of packets whose pictures have not come out of the decoder.
_MAX_DELAYED = 256
# So many pictures say how good a connection is.
_MANY = 100


class Decoding:
    """Decodes the packets of one connection into an intake."""

    def __init__(
        self,
        context: Any,
        feed: PacketFeed,
        intake: FrameIntake,
        queue: ItemQueue,
        admit: Callable[[float, float], bool] | None = None,
        encoder: FrameEncoder | None = None,
    ) -> None:
        """Begin before the first packet.

        Args:
            context: PyAV's decoder.
            feed: Gives packets their times.
            intake: Takes the frames.
            queue: Counts damaged ones.
            admit: See `FrameIntake.frame`.
            encoder: Makes packets of taken frames where the feed's are none that can be kept.
        """
        self._context = context
        self._feed = feed
        self._intake = intake
        self._queue = queue
        self._admit = admit
        self._encoder = encoder
        self._num_whole = self._num_damaged = 0
        self._has_told_damage = False
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
                self._damaged(ready.time.time_s)
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
                self._damaged(found[0].time_s if found is not None else 0.0)
                continue
            self._num_whole += 1
            times, section = found
            taken = self._intake.frame(frame, times, section, frame.pts, self._admit)
            if taken is not None and self._encoder is not None:
                self._encoder.frame(taken, self._feed.header.time_base)

    def _damaged(self, time_s: float) -> None:
        """Count a picture, and tell once if most of them are damaged."""
        self._queue.count_dropped("damaged")
        self._num_damaged += 1
        num_pictures = self._num_whole + self._num_damaged
        if num_pictures < _MANY:
            return
        if self._num_damaged > self._num_whole and not self._has_told_damage:
            self._has_told_damage = True
            text = f"{self._num_damaged} of {num_pictures} pictures are damaged and left out"
            self._queue.put(CaptureNotice("damaged", time_s, text))
        self._num_whole = self._num_damaged = 0
