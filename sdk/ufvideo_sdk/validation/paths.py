"""Paths that callers name, and files opened by them."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from ufvideo_sdk.errors import CapacityError, InputError, PackageError, UFVideoError

NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE)

_MESSAGE_CHARACTERS = 200


def as_path(value: object, name: str) -> Path:
    """Return what a caller gave as a path, if a file could have that name.

    Args:
        value: A text or an `os.PathLike` of a text.
        name: Name of the argument.

    Raises:
        InputError: When it is neither, is empty, or holds a NUL or a character that no name on this
            system holds.
    """
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(text, str):
        remedy = ": give os.fsdecode(path)" if isinstance(text, bytes) else ""
        raise InputError(f"{name}: expected a path, got {type(value).__name__}{remedy}")
    if not text:
        raise InputError(f"{name}: expected a path, got an empty text")
    try:
        is_name = b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        is_name = False
    if not is_name:
        raise InputError(
            f"{name}: expected a path, got characters that no file name holds: {ascii(text)[:80]}"
        )
    return Path(text)


def is_file(path: Path) -> bool:
    """Whether there is a plain file; False, and no OSError or ValueError, where none can be."""
    return os.path.isfile(path)  # noqa: PTH113  (a Path's own raises for a name of 5,000 letters)


def is_folder(path: Path) -> bool:
    """Whether there is a folder; False, and no OSError or ValueError, where none can be."""
    return os.path.isdir(path)  # noqa: PTH112


def shown(path: Path) -> str:
    """Return a path for a message, control characters spelled out, a very long one's middle cut."""
    text = str(path)
    text = text if text.isprintable() else repr(text)
    half = _MESSAGE_CHARACTERS // 2
    return text if len(text) <= _MESSAGE_CHARACTERS else f"{text[:half]}...{text[-half:]}"


def status_of(path: Path) -> os.stat_result | None:
    """Return the status of what a path names, links followed, or None if nothing is there.

    Raises:
        InputError: When the system refuses to look, such as at a name that is too long.
    """
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"{shown(path)}: expected a path, got: {error.strerror}") from None


def kind_of(status: os.stat_result) -> str:
    """Return what a status is of, for messages: "a plain file", "a folder", "a FIFO" or so."""
    kinds = {
        stat.S_IFREG: "a plain file",
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(stat.S_IFMT(status.st_mode), "something else")


def entries_of(folder: Path) -> tuple[Path, ...]:
    """Return what lies in a folder, nothing if there is none.

    Raises:
        InputError: When it may not be read.
        CapacityError: When the process has no free file descriptor.
    """
    try:
        return tuple(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise reading_failed(error, folder, "a folder") from None


def open_plain_file(path: Path, what: str) -> BinaryIO:
    """Open a plain file for reading.

    Nothing else is opened: a FIFO would wait for its writer, and opening a device may act on it.

    Args:
        path: The file; links are followed.
        what: What it should be, such as "a session file".

    Raises:
        InputError: When nothing is there, it is no plain file, or it may not be read.
        CapacityError: When the process has no free file descriptor.
    """
    try:
        _check_plain(path.stat(), path, what)
        # In case it became a FIFO meanwhile.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _check_plain(os.fstat(descriptor), path, what)
            return os.fdopen(descriptor, "rb")
        except BaseException:
            os.close(descriptor)
            raise
    except OSError as error:
        raise reading_failed(error, path, what) from None


def reading_failed(error: OSError, path: Path, what: str) -> InputError | CapacityError:
    """Return the SDK's error for one of the system that came while a path was read.

    Args:
        error: What came.
        path: What was read.
        what: What it should be, such as "a session file".
    """
    if error.errno in NO_DESCRIPTOR:
        return CapacityError(
            f"{shown(path)}: expected a free file descriptor, got {error.strerror}"
        )
    return InputError(f"{shown(path)}: expected {what}, got: {error.strerror or error}")


def _check_plain(status: os.stat_result, path: Path, what: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{shown(path)}: expected {what}, found {kind_of(status)}")


def unreadable(path: Path, error: OSError) -> UFVideoError:
    """Return the error for a file of a package that could not be read.

    Args:
        path: The file.
        error: What the system said.
    """
    if error.errno in NO_DESCRIPTOR:
        return CapacityError(
            f"expected a free file descriptor to read {shown(path)} with, got:"
            f" {error.strerror}; close files or raise the limit (ulimit -n)"
        )
    return PackageError(f"{shown(path)}: expected a readable file: {error.strerror}")
