"""Read a camera in a thread, and watch that thread from another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Protocol

from ufvideo_sdk.errors import UFVideoError
from ufvideo_sdk.watch.sources.capture import CaptureEnded, CaptureNotice
from ufvideo_sdk.watch.sources.connection import (
    HLS_STALL_S,
    NothingSentError,
    SessionParts,
    is_refusal,
)
from ufvideo_sdk.watch.sources.ffmpeg_log import redacted_log
from ufvideo_sdk.watch.sources.frame_intake import FrameIntake
from ufvideo_sdk.watch.sources.item_queue import ItemQueue
from ufvideo_sdk.watch.sources.live_health import LiveHealth
from ufvideo_sdk.watch.sources.live_times import LiveTimes
from ufvideo_sdk.watch.sources.options import CaptureOptions
from ufvideo_sdk.watch.sources.packets import PacketListener
from ufvideo_sdk.watch.sources.redaction import Redactor
from ufvideo_sdk.watch.sources.retry import Backoff

_POLL_S = 0.05
# A step that takes so much longer than its own limit hangs, and its thread is given up.
_MARGIN_S = 2.0
_FEW_FRAMES = 10
_FEW_PAUSES = 3


class Opens(Protocol):
    """What opens a camera, such as `Camera`."""

    @property
    def read_limit_s(self) -> float:
        """How long a read may take."""

    @property
    def is_segmented(self) -> bool:
        """Whether it comes in segments of many seconds."""

    def opened(self, beat: Callable[[], None]) -> Any:
        """Open it; see `Camera.opened`."""

    def steps(self, container: Any, parts: SessionParts) -> Iterator[None]:
        """Read it; see `Camera.steps`."""

    def is_recorded(self, container: Any) -> bool:
        """Whether it has an end; see `Camera.is_recorded`."""

    def is_over(self, container: Any) -> bool:
        """Whether nothing follows what has been read."""


class LiveReader:
    """Reads one camera for as long as it is wanted, over as many connections as it takes."""

    def __init__(
        self,
        camera: Opens,
        options: CaptureOptions,
        queue: ItemQueue,
        listener: PacketListener | None,
        redactor: Redactor,
    ) -> None:
        """Begin without a connection.

        Args:
            camera: Opens it.
            options: How a source is captured.
            queue: Where frames wait.
            listener: Is told of packets.
            redactor: Keeps credentials out of notices.
        """
        self._camera = camera
        self._options = options
        self._queue = queue
        self._listener = listener
        self._redactor = redactor
        self._sections: Iterator[int] = count()
        self._times = LiveTimes(
            follows_arrival=options.follow_arrival, max_clock_error_s=options.max_clock_error_s
        )
        self._intake = FrameIntake(options, queue)
        self._intake.drops_frozen = options.frozen_s is not None
        self._health = LiveHealth(queue, self._times.now_s)
        self._backoff = Backoff(options)
        self._stopped = threading.Event()
        self._watchdog = threading.Thread(target=self._watch, name="capture-watch", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._watchdog.start()

    def stop(self) -> None:
        """Stop reading, and wait until the threads have ended, except one that hangs."""
        self._stopped.set()
        self._watchdog.join()

    def _watch(self) -> None:
        """Keep a connection: watch the thread that reads it, and start another when it ends."""
        while not self._stopped.is_set():
            connection = _Connection(self)
            connection.thread.start()
            while not connection.ended.wait(_POLL_S):
                if connection.hangs():
                    # It ends by itself when the step returns, and tells nothing any more.
                    connection.is_given_up = True
                    connection.cause = "the connection hangs"
                    break
                self._check_silence(connection)
            if connection.is_given_up is False:
                connection.thread.join()
            if self._stopped.is_set():
                return
            if connection.is_done:
                last_s = self._intake.last_s or 0.0
                self._queue.put(CaptureEnded(last_s, "end of the stream"))
                return
            self._tell_end(connection)
            self._intake.rate.restart()
            self._stopped.wait(self._backoff.next_s(is_refused=connection.is_refused))

    def _check_silence(self, connection: _Connection) -> None:
        silence_s = self._health.silence_s()
        if connection.num_frames and not connection.is_recorded and silence_s > self._stall_s():
            text = f"no new picture for {silence_s:.1f} s"
            self._health.went_wrong("stalled", "stalled", text)

    def _stall_s(self) -> float:
        rate = self._intake.rate.per_s
        stall_s = max(self._options.stall_s, _FEW_FRAMES / rate if rate else 0.0)
        pause_s = self._health.usual_pause_s()
        if pause_s is not None:
            return max(stall_s, _FEW_PAUSES * pause_s)
        return max(stall_s, HLS_STALL_S) if self._camera.is_segmented else stall_s

    def _tell_end(self, connection: _Connection) -> None:
        kind = "refused" if connection.is_refused else "lost"
        cause = "connection refused" if connection.is_refused else "connection lost"
        if self._health.trouble in ("stalled", "frozen") and connection.num_frames:
            # Why it was closed has been told.
            return
        said = cause
        if self._intake.last_s is None and not connection.is_refused:
            said = "no connection yet"
        self._health.went_wrong(kind, cause, self._redactor(f"{said}: {connection.cause}"))


class _Connection:
    """One connection and the thread that reads it."""

    def __init__(self, reader: LiveReader) -> None:
        self._reader = reader
        self.ended = threading.Event()
        self.is_given_up = False
        self.is_refused = False
        self.cause = "the stream ended"
        self.num_frames = 0
        self.is_recorded = False
        self.is_done = False
        self._began = self._beat = time.monotonic()
        self._limit_s = reader._options.open_timeout_s + reader._camera.read_limit_s
        self.thread = threading.Thread(target=self._run, name="capture", daemon=True)

    def beat(self) -> None:
        """A step is done, and another begins."""
        self._beat = time.monotonic()

    def hangs(self) -> bool:
        """Whether a step takes longer than its own limit allows."""
        if self.is_recorded:
            # It waits for whoever takes its frames.
            return False
        limit_s = self._limit_s + _MARGIN_S
        if self._reader._stopped.is_set():
            limit_s = self._reader._options.read_timeout_s
        return time.monotonic() - self._beat > limit_s

    def _run(self) -> None:
        try:
            with redacted_log(self._reader._redactor) as self._hand_on_log:
                self._connect()
        finally:
            self.ended.set()

    def _connect(self) -> None:
        from av import FFmpegError

        try:
            container = self._reader._camera.opened(self.beat)
            with container:
                if not self._is_over():
                    self._read(container)
        except (FFmpegError, NothingSentError, OSError, UFVideoError, ValueError) as error:
            if not self.is_given_up:
                self.is_refused = is_refusal(error)
                self.cause = getattr(error, "strerror", None) or str(error)
        except MemoryError:
            self.cause = "no memory is left"

    def _is_over(self) -> bool:
        return self.is_given_up or self._reader._stopped.is_set()

    def _read(self, container: Any) -> None:
        reader = self._reader
        self.beat()
        self._limit_s = reader._camera.read_limit_s
        self.is_recorded = reader._camera.is_recorded(container)
        if self.is_recorded:
            reader._queue.keep_all()
        is_steady = not reader._camera.is_segmented and not self.is_recorded
        reader._times.begin_connection(corrects=is_steady)
        reader._health.begin_connection()
        parts = SessionParts(
            reader._times,
            reader._sections,
            reader._intake,
            reader._queue,
            reader._listener,
            self._admit,
        )
        for _ in reader._camera.steps(container, parts):
            if self._is_over():
                return
            self.beat()
            self._hand_on_log()
            self._tell_clock()
            if not self.is_recorded and self._is_of_no_use():
                self.cause = "no new picture in what came"
                return
        self.is_done = reader._camera.is_over(container)

    def _admit(self, time_s: float, step_s: float) -> bool:
        reader = self._reader
        if self.num_frames == 0:
            reader._queue.count_connection()
            reader._backoff.succeeded()
        self.num_frames += 1
        return reader._health.frame_came(time_s, step_s)

    def _tell_clock(self) -> None:
        reader = self._reader
        for text in reader._times.told():
            reader._queue.put(CaptureNotice("clock", reader._times.now_s(), text))
        reader._queue.measured(
            reader._intake.rate.per_s, reader._times.clock, reader._times.error_s
        )

    def _is_of_no_use(self) -> bool:
        """Whether packets come and new pictures do not, so that it is better connected anew."""
        reader = self._reader
        age_s = time.monotonic() - self._began
        if reader._intake.drops_frozen and reader._intake.pictures.is_frozen:
            reader._health.went_wrong("frozen", "frozen", None)
            return age_s > (reader._options.frozen_s or 0.0)
        patience_s = reader._stall_s() + reader._options.read_timeout_s
        return min(age_s, reader._health.silence_s()) > patience_s
