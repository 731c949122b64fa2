"""Files and folders that appear in one step, or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ufvideo_sdk.errors import CapacityError, InputError
from ufvideo_sdk.validation.paths import (
    NO_DESCRIPTOR,
    entries_of,
    kind_of,
    reading_failed,
    shown,
    status_of,
)

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Error numbers of a full disk, a full quota and a file that is larger than the system allows."""

# Of a length of its own: a draft's name must fit wherever the name of the file does.
_DRAFTS = ".ufvideo-????????????????.draft"


def check_target(path: Path, sources: Iterable[Path] = ()) -> Path:
    """Return the file that saving to a path would write, links followed.

    Args:
        path: Where to save.
        sources: Files that must not be replaced, such as the video.

    Raises:
        InputError: When it is one of the sources, a folder, a device or something else that is no
            plain file, when it may not be written, or when its folder is missing or may not be
            written.
    """
    status = status_of(path)
    target = Path(os.path.realpath(path))
    if status is not None:
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"expected a file name, got the folder {shown(path)}")
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"expected a plain file or a new name, got {kind_of(status)}: {path}")
        for source in sources:
            other = status_of(source)
            if other is not None and os.path.samestat(status, other):
                raise InputError(
                    f"expected another file than {source}, which is read from, got {path}; name"
                    " another file"
                )
        if not os.access(target, os.W_OK):
            raise InputError(f"expected a file that can be written, got a read-only one: {path}")
    if not target.parent.is_dir():
        raise InputError(f"expected a folder that exists, got {target.parent} (for {shown(path)})")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise InputError(
            f"expected a folder that can be written, got {target.parent} (for {shown(path)})"
        )
    return target


@contextmanager
def replacing(path: Path, sources: Iterable[Path] = ()) -> Iterator[Path]:
    """Yield a draft in the same folder that takes the place of `path` when all went well.

    Its bytes are on the disk before the name is: after a power cut the name stands for the old file
    or the whole new one. An older file's mode and owner are kept, and a link to it stays a link.
    Drafts that killed processes left in the folder are removed.

    Args:
        path: Where to save.
        sources: Files that must not be replaced, such as the video.

    Raises:
        InputError: As `check_target`, or when writing fails.
        CapacityError: When the disk is full.
    """
    sources = tuple(sources)
    target = check_target(path, sources)
    try:
        _remove_left_drafts(target.parent)
        older = status_of(target)
        # An older file may be private: nobody else reads its draft.
        draft, descriptor = _new_draft(target.parent, 0o666 if older is None else 0o600)
        try:
            yield draft
            os.fsync(descriptor)
            # Writing may take minutes: what is there now decides.
            older = status_of(check_target(path, sources))
            if older is not None:
                _take_over(descriptor, older)
            draft.replace(target)
            flush_to_disk(target.parent)
        finally:
            draft.unlink(missing_ok=True)
            os.close(descriptor)
    except OSError as error:
        raise _writing_failed(error, path) from error


def check_new_folder(path: Path) -> Path:
    """Return the folder that `new_folder` would make, links followed.

    Args:
        path: Its name.

    Raises:
        InputError: When something is there that is no empty folder, when it is the working folder,
            or when the folder around it is missing or may not be written.
    """
    status = status_of(path)
    target = Path(os.path.realpath(path))
    if status is not None:
        if not stat.S_ISDIR(status.st_mode):
            raise InputError(
                f"expected a new or an empty folder, got {kind_of(status)}: {shown(path)}"
            )
        if entries_of(target):
            raise InputError(
                f"expected a new or an empty folder, got one that holds files: {shown(path)}; name"
                " another folder"
            )
        # It would be another folder afterwards, and the working folder one without a name.
        if os.path.samestat(status, Path().stat()):
            raise InputError(
                f"expected another folder than the working folder, got {shown(path)}; name a new"
                " folder"
            )
    if not target.parent.is_dir():
        raise InputError(f"expected a folder that exists, got {target.parent} (for {shown(path)})")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise InputError(
            f"expected a folder that can be written, got {target.parent} (for {shown(path)})"
        )
    return target


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a draft of a folder, which gets its name when all went well and is on the disk.

    What is there already is never changed: the name must be new, or an empty folder's, whose mode
    is kept.

    Args:
        path: The folder's name.

    Raises:
        InputError: As `check_new_folder`, or when writing fails.
        CapacityError: When the disk is full.
    """
    target = check_new_folder(path)
    try:
        _remove_left_drafts(target.parent)
        draft, descriptor = _new_draft_folder(target.parent)
        try:
            yield draft
            for folder, _, names in os.walk(draft, topdown=False):
                for name in names:
                    flush_to_disk(Path(folder, name))
                flush_to_disk(Path(folder))
            # Writing may take minutes: what is there now decides.
            older = status_of(check_new_folder(path))
            if older is not None:
                os.fchmod(descriptor, stat.S_IMODE(older.st_mode) & 0o777)
            # The system puts a folder in the place of an empty one, and of nothing else.
            draft.rename(target)
            flush_to_disk(target.parent)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
            os.close(descriptor)
    except OSError as error:
        raise _writing_failed(error, path) from error


@contextmanager
def draft_folder(parent: Path) -> Iterator[Path]:
    """Yield a folder for files that are needed for a while; it is removed with all that is in it.

    What a killed process left is removed with its drafts.

    Args:
        parent: Where the folder is made.

    Raises:
        InputError: When it cannot be made.
        CapacityError: When the disk is full.
    """
    try:
        _remove_left_drafts(parent)
        draft, descriptor = _new_draft_folder(parent)
    except OSError as error:
        raise _writing_failed(error, parent) from error
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        os.close(descriptor)


def _writing_failed(error: OSError, path: Path) -> InputError | CapacityError:
    """The SDK's error for one of the system that came while a path was written."""
    if error.errno in NO_ROOM:
        return CapacityError(f"expected room for {shown(path)}, got: {error.strerror}")
    if error.errno in NO_DESCRIPTOR:
        return reading_failed(error, path, "a file to write")
    return InputError(f"expected to write {shown(path)}, got: {error.strerror or error}")


def _new_draft_folder(parent: Path) -> tuple[Path, int]:
    """Make a folder and hold its lock, which the system frees however this process ends."""
    while True:
        draft = parent / _DRAFTS.replace("?" * 16, secrets.token_hex(8))
        draft.mkdir()
        try:
            descriptor = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            # Another process took it for one that was left, before the lock was ours.
            continue
        if _locks(descriptor) and draft.exists():
            return draft, descriptor
        os.close(descriptor)
        shutil.rmtree(draft, ignore_errors=True)


def _locks(descriptor: int) -> bool:
    """Lock a new draft; False if another process has locked it to remove it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # A file system without locks: nobody removes what cannot be locked.
        return True
    return True


def _new_draft(folder: Path, mode: int) -> tuple[Path, int]:
    """Create a draft and hold its lock, which the system frees however this process ends."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        draft = folder / _DRAFTS.replace("?" * 16, secrets.token_hex(8))
        # The system applies the umask, which cannot be read without setting it for all threads.
        descriptor = os.open(draft, flags, mode)
        if _locks(descriptor) and os.fstat(descriptor).st_nlink:
            return draft, descriptor
        # Another process took it for one that was left, before the lock was ours.
        os.close(descriptor)
        draft.unlink(missing_ok=True)


def _remove_left_drafts(folder: Path) -> None:
    """Remove this user's drafts whose process has ended: nobody holds their lock."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    for left in folder.glob(_DRAFTS):
        with suppress(OSError):
            status = left.lstat()
            is_folder = stat.S_ISDIR(status.st_mode)
            if not (is_folder or stat.S_ISREG(status.st_mode)) or status.st_uid != os.geteuid():
                continue
            descriptor = os.open(left, flags)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if is_folder:
                    shutil.rmtree(left)
                else:
                    left.unlink()
            finally:
                os.close(descriptor)


def _take_over(descriptor: int, older: os.stat_result) -> None:
    """Give a draft the owner and the mode of the file it replaces."""
    mode = stat.S_IMODE(older.st_mode) & 0o777
    own = os.fstat(descriptor)
    if own.st_uid != older.st_uid:
        with suppress(PermissionError):
            os.fchown(descriptor, older.st_uid, -1)
    if own.st_gid != older.st_gid:
        try:
            os.fchown(descriptor, -1, older.st_gid)
        except PermissionError:
            # Another group than before may do what everybody may.
            mode &= 0o707 | (mode & 0o007) << 3
    os.fchmod(descriptor, mode)


def flush_to_disk(path: Path) -> None:
    """Return when what was written to a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
