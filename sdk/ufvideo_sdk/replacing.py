"""Files that appear in one step, or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ufvideo_sdk.errors import CapacityError, InputError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A draft in the same folder that takes the place of `path` when all went well.

    Its bytes are on the disk before the name is: after a power cut the name stands for the old file
    or the whole new one.

    Raises:
        InputError: When the folder is missing or cannot be written.
        CapacityError: When the disk is full.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".draft", dir=path.parent)
        os.close(handle)
        draft = Path(name)
        try:
            # mkstemp makes it readable by the owner alone.
            draft.chmod(0o666 & ~_umask())
            yield draft
            _flush(draft)
            draft.replace(path)
            _flush(path.parent)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise CapacityError(f"expected room for {path}, got: {error.strerror}") from error
        raise InputError(f"expected to write {path}, got: {error.strerror or error}") from error


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current
