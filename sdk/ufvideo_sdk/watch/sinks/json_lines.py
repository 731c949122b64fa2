"""Lines of JSON, on standard output or appended to a file."""

from __future__ import annotations

import os
import select
import stat
import sys
from pathlib import Path

from ufvideo_sdk.atomic_file import NO_ROOM
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.paths import shown
from ufvideo_sdk.watch.rules.sink_settings import JsonLinesSettings
from ufvideo_sdk.watch.sinks.delivery import Delivery, UndeliveredError
from ufvideo_sdk.watch.sinks.sink import SinkStats

_MAX_WAITING = 10_000
_RETRY_S = 1.0


class JsonLines:
    """Writes lines, each whole and at once.

    A file is only ever appended to. A line that the disk has no room for is taken back whole, and
    tried again every second; beyond 10,000 lines that wait the oldest are dropped.
    """

    def __init__(self, settings: JsonLinesSettings) -> None:
        """Open the file.

        Args:
            settings: Where to.

        Raises:
            InputError: When the file cannot be opened for appending.
        """
        self._path = settings.file
        self._fsync = settings.fsync and self._path is not None
        self._descriptor = None if self._path is None else _opened(self._path)
        self._delivery = Delivery("json_lines", self._write, max_waiting=_MAX_WAITING)

    @property
    def stats(self) -> SinkStats:
        """Counts so far."""
        return self._delivery.stats

    def put(self, line: str) -> None:
        """Write a line that ends with a newline."""
        self._delivery.put(line)

    def close(self, timeout_s: float) -> None:
        """Write what waits, and close the file."""
        self._delivery.close(timeout_s)
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, line: str, attempt: int) -> None:
        data = line.encode("utf-8")
        try:
            if self._descriptor is None:
                _write_out(data)
            else:
                _append(self._descriptor, data)
                if self._fsync:
                    os.fsync(self._descriptor)
        except BrokenPipeError:
            # Whoever read has gone, and nobody will take the place.
            raise UndeliveredError("standard output: its reader has gone") from None
        except OSError as error:
            where = "standard output" if self._path is None else shown(self._path)
            problem = f"{where}: expected to write a line, got: {error.strerror}"
            retry_s = _RETRY_S if error.errno in NO_ROOM else None
            raise UndeliveredError(problem, retry_s) from None


def _opened(path: Path) -> int:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        raise InputError(
            f"json_lines: expected a file that lines can be appended to, got {shown(path)}:"
            f" {error.strerror}"
        ) from None
    os.set_blocking(descriptor, True)
    try:
        size = os.lseek(descriptor, 0, os.SEEK_END)
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            # A power cut left half a line: it stays, and ends, so that the next one is whole.
            os.write(descriptor, b"\n")
    except OSError as error:
        os.close(descriptor)
        raise InputError(
            f"json_lines: expected a plain file, got {shown(path)}: {error.strerror}"
        ) from None
    return descriptor


def _append(descriptor: int, data: bytes, whence: int = os.SEEK_END) -> None:
    """Append a whole line, or none of it."""
    size = os.lseek(descriptor, 0, whence)
    written = 0
    try:
        while written < len(data):
            written += os.write(descriptor, data[written:])
    except OSError:
        if written:
            os.ftruncate(descriptor, size)
            os.lseek(descriptor, size, os.SEEK_SET)
        raise


def _write_out(data: bytes) -> None:
    sys.stdout.flush()
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError, AttributeError):
        # Somebody has put a stream of texts in its place, such as a test or a notebook.
        sys.stdout.write(data.decode("utf-8"))
        sys.stdout.flush()
        return
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        _append(descriptor, data, os.SEEK_CUR)
        return
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            # Whoever made the pipe does not wait for it: we do, in this thread.
            select.select([], [descriptor], [], 1.0)
