"""Read a file in a thread: at once, or in real time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from ufvideo_sdk.errors import InputError, UFVideoError
from ufvideo_sdk.video.frame_picture import Turn, turn_of
from ufvideo_sdk.video.video_container import (
    SourceOptions,
    ffmpeg_error,
    has_no_times,
    opened,
    reason,
    video_stream,
)
from ufvideo_sdk.watch.sources.capture import CaptureEnded
from ufvideo_sdk.watch.sources.decoding import Decoding
from ufvideo_sdk.watch.sources.frame_encoder import FrameEncoder
from ufvideo_sdk.watch.sources.frame_intake import FrameIntake
from ufvideo_sdk.watch.sources.item_queue import ItemQueue
from ufvideo_sdk.watch.sources.options import CaptureOptions
from ufvideo_sdk.watch.sources.packet_feed import PacketFeed
from ufvideo_sdk.watch.sources.packet_file import can_hold
from ufvideo_sdk.watch.sources.packets import PacketListener
from ufvideo_sdk.watch.sources.section_times import FileTimes


class VideoPlayer:
    """Plays video files one behind the other into a queue."""

    def __init__(
        self,
        options: CaptureOptions,
        queue: ItemQueue,
        listener: PacketListener | None,
        stopped: threading.Event,
    ) -> None:
        """Begin before the first file.

        Args:
            options: How a source is captured.
            queue: Where frames wait.
            listener: Is told of packets.
            stopped: Ends the playing early.
        """
        self._options = options
        self._queue = queue
        self._listener = listener
        self._stopped = stopped
        self.sections: Iterator[int] = count()
        self.intake = FrameIntake(options, queue)
        self._begin_s: float | None = None

    def opened(self, path: Path) -> Any:
        """Open a file.

        Args:
            path: The file.

        Raises:
            InputError: When it is no video with times, or its frames are too large.
        """
        container = opened(path, self._options.max_frame_pixels)
        try:
            video_stream(container, path, self._source_options)
            if has_no_times(container):
                raise InputError(
                    f"{path}: expected a video with times, got a bare stream without; make an .mp4"
                    " or .mkv of it"
                )
        except UFVideoError:
            container.close()
            raise
        return container

    def play(self, path: Path, container: Any, start_s: float) -> None:
        """Play a file to its end.

        Args:
            path: The file.
            container: What `opened` returned; it is closed.
            start_s: Stream time of its first frame.

        Raises:
            InputError: When it breaks off.
        """
        from av import FFmpegError

        with container:
            stream = video_stream(container, path, self._source_options)
            stream.thread_type = "AUTO"
            times = FileTimes(start_s, _recorded_s(container))
            is_raw = not self._keeps_packets(path, stream)
            listener = None if is_raw else self._listener
            encoder = FrameEncoder(self._listener) if is_raw and self._listener else None
            feed = PacketFeed(stream, times, self.sections, listener)
            decoding = Decoding(
                stream.codec_context, feed, self.intake, self._queue, encoder=encoder
            )
            self._queue.count_connection()
            try:
                for packet in container.demux(stream):
                    if self._stopped.is_set():
                        return
                    if packet.size == 0:
                        continue
                    decoding.packet(packet)
                    self.wait()
                decoding.finish()
            except FFmpegError as error:
                raise InputError(f"{path}: expected a whole video: {reason(error)}") from None

    def _keeps_packets(self, path: Path, stream: Any) -> bool:
        """Whether a file of the packets shows the same: not if the pictures are to be turned."""
        if self._listener is None or not can_hold(stream.codec_context.codec.canonical_name):
            return False
        with self.opened(path) as container:
            chosen = video_stream(container, path, self._source_options)
            try:
                first = next(container.decode(chosen), None)
            except ffmpeg_error():
                # Damaged: that is for the pass that plays it.
                return True
            return first is None or turn_of(first, path) == Turn()

    @property
    def _source_options(self) -> SourceOptions:
        return SourceOptions(max_frame_pixels=self._options.max_frame_pixels)

    @property
    def last_step_s(self) -> float | None:
        """Time between the last two frames; None before two of them."""
        return self.intake.last_step_s

    def wait(self) -> None:
        """In real time, wait until the latest frame is due."""
        self._queue.measured(self.intake.rate.per_s, "file", None)
        if not self._options.real_time or self.intake.last_s is None:
            return
        now_s = time.monotonic()
        if self._begin_s is None:
            self._begin_s = now_s - self.intake.last_s
        self._stopped.wait(max(0.0, self._begin_s + self.intake.last_s - now_s))


class FileReader:
    """Reads one file in a thread."""

    def __init__(
        self,
        path: Path,
        options: CaptureOptions,
        queue: ItemQueue,
        listener: PacketListener | None,
    ) -> None:
        """Open the file.

        Args:
            path: The file.
            options: How a source is captured.
            queue: Where frames wait.
            listener: Is told of packets.

        Raises:
            InputError: When it is no video with times, or its frames are too large.
        """
        self._path = path
        self._queue = queue
        self._stopped = threading.Event()
        self._player = VideoPlayer(options, queue, listener, self._stopped)
        self._container = self._player.opened(path)
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reading, and wait until the thread has ended."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        # What nobody expects ends the thread with a traceback, and must not leave others waiting.
        cause = "an error that was not expected"
        try:
            self._player.play(self._path, self._container, 0.0)
            cause = "end of the file"
        except (UFVideoError, OSError, MemoryError) as error:
            cause = str(error) or "no memory is left"
        finally:
            self._queue.put(CaptureEnded(self._player.intake.last_s or 0.0, cause))


def _recorded_s(container: Any) -> float | None:
    """When a file says that it was recorded, seconds since 1970; None if it does not."""
    said = container.metadata.get("creation_time", "")
    try:
        recorded = datetime.fromisoformat(said.replace("Z", "+00:00"))
    except ValueError:
        return None
    if recorded.tzinfo is None:
        return None
    return recorded.timestamp()
