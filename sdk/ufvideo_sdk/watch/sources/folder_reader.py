"""Read a folder that grows: videos one behind the other, and pictures."""

from __future__ import annotations

import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

from ufvideo_sdk.errors import UFVideoError
from ufvideo_sdk.validation.display_name import display_name
from ufvideo_sdk.video.pictures import IMAGE_SUFFIXES, read_picture
from ufvideo_sdk.watch.sources.capture import CaptureEnded, CaptureNotice
from ufvideo_sdk.watch.sources.file_reader import VideoPlayer
from ufvideo_sdk.watch.sources.frame_encoder import FrameEncoder
from ufvideo_sdk.watch.sources.item_queue import ItemQueue
from ufvideo_sdk.watch.sources.options import CaptureOptions
from ufvideo_sdk.watch.sources.packets import PacketListener
from ufvideo_sdk.watch.sources.section_times import PacketTime
from ufvideo_sdk.watch.sources.whole_files import FoundFile, WholeFiles

_POLL_S = 0.2
# What lies between the last frame of a video and the first of the next one, if nothing tells.
_USUAL_STEP_S = 0.04
_PICTURE_TIME_BASE = Fraction(1, 1_000_000)


class FolderReader:
    """Reads the files of a folder in a thread, those that come later too."""

    def __init__(
        self,
        folder: Path,
        options: CaptureOptions,
        queue: ItemQueue,
        listener: PacketListener | None,
    ) -> None:
        """Begin before the first file.

        Args:
            folder: The folder.
            options: How a source is captured.
            queue: Where frames wait.
            listener: Is told of packets.
        """
        self._folder = folder
        self._options = options
        self._queue = queue
        self._stopped = threading.Event()
        self._files = WholeFiles(folder, options.folder_order, options.folder_settle_s)
        self._player = VideoPlayer(options, queue, listener, self._stopped)
        self._pictures = _Pictures(options, self._player, listener)
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reading, and wait until the thread has ended."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        cause = "an error that was not expected"
        idle_since = time.monotonic()
        try:
            while not self._stopped.is_set():
                found = self._files.next()
                if found is not None:
                    self._play(found)
                if found is not None or self._files.is_waiting:
                    idle_since = time.monotonic()
                if found is not None:
                    continue
                limit_s = self._options.folder_idle_s
                if limit_s is not None and time.monotonic() - idle_since >= limit_s:
                    break
                self._stopped.wait(_POLL_S)
            cause = "no new file"
        except OSError as error:
            cause = f"the folder cannot be read: {error.strerror or error}"
        except MemoryError:
            cause = "no memory is left"
        finally:
            self._queue.put(CaptureEnded(self._player.intake.last_s or 0.0, cause))

    def _play(self, found: FoundFile) -> None:
        """Play a file; one that cannot be read is told of and left out."""
        try:
            if found.path.suffix.lower() in IMAGE_SUFFIXES:
                self._pictures.show(found)
                return
            container = self._player.opened(found.path)
            last_s = self._player.intake.last_s
            start_s = (
                0.0 if last_s is None else last_s + (self._player.last_step_s or _USUAL_STEP_S)
            )
            self._pictures.end_section()
            self._player.play(found.path, container, start_s)
        except UFVideoError as error:
            now_s = self._player.intake.last_s or 0.0
            text = f"{display_name(found.path.name)} is left out: {error}"
            self._queue.put(CaptureNotice("skipped", now_s, text))


class _Pictures:
    """Shows pictures as frames of a video that has one section for each size."""

    def __init__(
        self, options: CaptureOptions, player: VideoPlayer, listener: PacketListener | None
    ) -> None:
        self._options = options
        self._player = player
        self._encoder = None if listener is None else FrameEncoder(listener)
        self._size: tuple[int, int] | None = None
        self._section = -1
        self._section_start_s = 0.0
        # When the first picture was made, and its stream time.
        self._origin: tuple[float, float] | None = None

    def end_section(self) -> None:
        """A video comes in between."""
        self._size = None

    def show(self, found: FoundFile) -> None:
        """Show a picture.

        Raises:
            InputError, CapacityError: When it cannot be read.
        """
        import av

        picture: Any = av.VideoFrame.from_ndarray(
            read_picture(found.path, self._options.max_frame_pixels), format="rgb24"
        )
        time_s = self._time_of(found)
        if (picture.width, picture.height) != self._size:
            self._size = (picture.width, picture.height)
            self._section = next(self._player.sections)
            self._section_start_s = time_s
        pts = round((time_s - self._section_start_s) / _PICTURE_TIME_BASE)
        times = PacketTime(time_s, found.changed_s, "file")
        taken = self._player.intake.frame(picture, times, self._section, pts)
        if taken is not None and self._encoder is not None:
            self._encoder.frame(taken, _PICTURE_TIME_BASE)
        self._player.wait()

    def _time_of(self, found: FoundFile) -> float:
        last_s, fps = self._player.intake.last_s, self._options.picture_fps
        if last_s is None:
            self._origin = (found.changed_s, 0.0)
            return 0.0
        if fps is not None:
            return last_s + 1.0 / fps
        if self._origin is None:
            self._origin = (found.changed_s, last_s + _USUAL_STEP_S)
        made_s, shown_s = self._origin
        # One that is older than those before comes behind them nevertheless.
        return max(shown_s + found.changed_s - made_s, last_s + 0.001)
