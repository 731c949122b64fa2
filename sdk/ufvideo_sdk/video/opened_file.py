"""A source file as it was when it was opened, so that no other one is read in its place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.paths import open_plain_file, reading_failed, shown


class SourceFile(Protocol):
    """A file that frames are read from: one on a disk, or a file object of the caller.

    Attributes:
        path: Its path; of a file object a name for messages, which nothing opens.
        files: Absolute paths of the files that are read; empty for a file object.
    """

    @property
    def path(self) -> Path:
        """See the class."""

    @property
    def files(self) -> tuple[Path, ...]:
        """See the class."""

    def reader(self, what: str) -> BinaryIO:
        """Open the file for reading, at its beginning and with a position of its own.

        Args:
            what: What it should be, for messages, such as "a video file".

        Raises:
            InputError: When it cannot be opened.
        """

    def check(self) -> None:
        """Refuse a file that is not the one that was opened.

        Raises:
            InputError: When it was changed, replaced, removed or closed.
        """

    def unchanged(self) -> AbstractContextManager[None]:
        """Read the file inside: it is checked before and afterwards.

        Raises:
            InputError: As `check`.
        """


@dataclass(frozen=True)
class OpenedFile:
    """Identity of a file when it was opened: device, inode, size and modification time.

    Attributes:
        path: The file.
        state: Its device, inode, size in bytes and modification time in ns.
    """

    path: Path
    state: tuple[int, int, int, int]

    @classmethod
    def of(cls, path: Path, file: BinaryIO | None = None) -> OpenedFile:
        """The file as it is now.

        Args:
            path: Its name.
            file: The same, if it is open.

        Raises:
            InputError: When nothing is there, or the system refuses to look.
        """
        try:
            return cls(path, _state(path.stat() if file is None else os.fstat(file.fileno())))
        except OSError as error:
            raise reading_failed(error, path, "a file") from None

    @property
    def files(self) -> tuple[Path, ...]:
        """The absolute path."""
        return (self.path.absolute(),)

    def reader(self, what: str) -> BinaryIO:
        """Open the file for reading.

        Args:
            what: What it should be, such as "a video file".

        Raises:
            InputError: When it is no plain file any more, or may not be read.
            CapacityError: When the process has no free file descriptor.
        """
        return open_plain_file(self.path, what)

    def check(self) -> None:
        """Refuse another file, or another content.

        Raises:
            InputError: When the file was changed, replaced or removed.
        """
        change = self._change()
        if change:
            raise InputError(change)

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Read the file inside: it is checked before and afterwards.

        Raises:
            InputError: When the file was changed, replaced or removed, in place of any InputError
                of the reading: what is said of the bytes of two files is true of neither.
        """
        self.check()
        try:
            yield
        except InputError:
            change = self._change()
            if change:
                raise InputError(change) from None
            raise
        self.check()

    def _change(self) -> str:
        """What is wrong with a file that was changed, replaced or removed; empty if nothing is."""
        try:
            if _state(self.path.stat()) == self.state:
                return ""
        except OSError as error:
            return f"{shown(self.path)}: expected the file that was opened, got: {error.strerror}"
        return (
            f"{shown(self.path)}: expected the file that was opened, the file was changed since it"
            " was opened: open it again"
        )


def bytes_at(file: BinaryIO, pos: int, size: int) -> bytes:
    """Read bytes from a position on, fewer where the file ends.

    Args:
        file: A reader, whose own position may change.
        pos: Where they begin.
        size: How many to read.
    """
    try:
        descriptor = file.fileno()
    except OSError:
        file.seek(pos)
        return file.read(size)
    # Past the buffer, which would read kilobytes for each number of four bytes.
    return os.pread(descriptor, size, pos)


def _state(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
