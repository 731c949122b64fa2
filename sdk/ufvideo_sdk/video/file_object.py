"""Files that the caller has opened, or holds in memory, as sources."""

from __future__ import annotations

import inspect
import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any, BinaryIO

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.display_name import display_name


def is_file_object(value: object) -> bool:
    """Whether a value is a file that Python has opened, or can be read like one."""
    is_like_one = hasattr(value, "read") and hasattr(value, "seek")
    return isinstance(value, io.IOBase) or (is_like_one and not isinstance(value, type))


def file_of(value: Any) -> Path | FileObject:
    """The path of a file that the caller has opened, or the file object.

    A plain file that still lies where it was opened is read by its path, so that the caller may
    close it.

    Args:
        value: A binary file that can seek, such as `io.BytesIO` or `open(path, "rb")`.

    Raises:
        InputError: When it is closed, was opened as text, or cannot seek.
    """
    path = _path_of(value)
    return FileObject(value) if path is None else path


class FileObject:
    """A binary file object: each reader has a position of its own, and begins at byte 0.

    The content of an `io.BytesIO` is kept as it is now, without a copy until the caller writes to
    it. Of any other file nothing is kept: it must stay open, and nobody else may read it in another
    thread.

    Attributes:
        path: Its name, or its class in angle brackets, for messages; nothing opens it.
        files: Empty: no path is read.
    """

    files: tuple[Path, ...] = ()

    def __init__(self, file: Any) -> None:
        """Look at the file; nothing is read yet.

        Args:
            file: What the caller gave.

        Raises:
            InputError: When it is closed, was opened as text, or cannot seek.
        """
        self.path = Path(_name_of(file))
        self._file = file
        self._lock = threading.Lock()
        if getattr(file, "closed", False):
            raise InputError(f"{self.path}: expected an open file, got a closed one: open it again")
        if inspect.iscoroutinefunction(file.read):
            raise InputError(
                f"{self.path}: expected a file that is read at once, its read() is asynchronous:"
                " give the file inside, such as upload.file"
            )
        if isinstance(file, io.TextIOBase) or hasattr(file, "encoding"):
            raise InputError(
                f'{self.path}: expected a binary file, got one opened as text: open(path, "rb")'
            )
        seekable = getattr(file, "seekable", None)
        if not hasattr(file, "seek") or (seekable is not None and not seekable()):
            raise InputError(
                f"{self.path}: expected a file that can seek, got one that is read once, such as a"
                " pipe or a download: read it whole, io.BytesIO(file.read()), or save it to a file"
            )
        self._content = file.getvalue() if type(file) is io.BytesIO else None
        self._num_bytes = self._length()

    def _length(self) -> int:
        if self._content is not None:
            return len(self._content)
        with self._lock:
            return int(self._in_file(lambda: self._file.seek(0, os.SEEK_END) or self._file.tell()))

    def reader(self, what: str) -> BinaryIO:
        """A reader at the beginning.

        Raises:
            InputError: When the file was closed.
        """
        if self._content is not None:
            return io.BytesIO(self._content)
        self.check()
        return io.BufferedReader(_Reader(self, self._num_bytes))

    def check(self) -> None:
        """Refuse a file that was closed, or whose length has changed.

        Raises:
            InputError: When it is so.
        """
        num_bytes = self._length()
        if num_bytes != self._num_bytes:
            raise InputError(
                f"{self.path}: expected the {self._num_bytes} bytes that were opened, the file has"
                f" {num_bytes} now: open it again"
            )

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Read the file inside: it is checked before and afterwards.

        Raises:
            InputError: As `check`.
        """
        self.check()
        yield
        self.check()

    def read_at(self, position: int, num_bytes: int) -> bytes:
        """Read bytes from a position on, fewer where the file ends.

        Raises:
            InputError: When the file was closed or cannot be read, or what it reads is no bytes.
        """

        def read() -> Any:
            self._file.seek(position)
            return self._file.read(num_bytes)

        with self._lock:
            data = self._in_file(read)
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise InputError(
                f"{self.path}: expected a binary file, its read() returned"
                f' {type(data).__name__}: open(path, "rb")'
            )
        if len(data) > num_bytes:
            raise InputError(
                f"{self.path}: expected at most {num_bytes} bytes of read({num_bytes}), got"
                f" {len(data)}"
            )
        return bytes(data)

    def _in_file(self, work: Any) -> Any:
        if getattr(self._file, "closed", False):
            raise InputError(
                f"{self.path}: expected an open file, it was closed: keep it open as long as frames"
                " are read, by the session and by Answer.save, or open its path"
            )
        try:
            return work()
        except Exception as error:
            # It is the caller's, and may read an archive or a server.
            raise InputError(f"{self.path}: expected a readable file, got: {error}") from error


class _Reader(io.RawIOBase):
    """One position in a file object, which is read up to the length that it had when opened."""

    def __init__(self, file: FileObject, num_bytes: int) -> None:
        self._shared = file
        self._num_bytes = num_bytes
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._num_bytes}[whence]
        if start + offset < 0:
            raise ValueError(f"negative position {start + offset}")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), max(self._num_bytes - self._position, 0))
        data = self._shared.read_at(self._position, wanted) if wanted else b""
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def _name_of(file: Any) -> str:
    """The last part of a file's name, or its class where it has none."""
    name = getattr(file, "name", None)
    last = PurePath(name).name if isinstance(name, str) else ""
    return display_name(last.replace("\0", "")) or f"<{type(file).__name__}>"


def _path_of(value: Any) -> Path | None:
    """The path of a plain file that Python has opened, if that is still the file there."""
    # A temporary file of `tempfile` has the real one inside.
    inner = getattr(value, "file", value)
    file: Any = inner if isinstance(inner, io.IOBase) else value
    raw = getattr(file, "raw", file)
    # Others, such as a gzip file, have the descriptor and name of a file with another content.
    if not isinstance(raw, io.FileIO) or file.closed or not file.readable():
        return None
    if not isinstance(file, (io.FileIO, io.BufferedReader, io.BufferedRandom)):
        return None
    try:
        if file.writable():
            file.flush()
        path = Path(os.fspath(raw.name))
        is_same = os.path.samestat(path.stat(), os.fstat(raw.fileno()))
    except (OSError, TypeError, ValueError):
        return None
    return path if is_same else None
