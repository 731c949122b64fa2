"""Paths that may be anything: too long, with a NUL in it, behind a folder that is closed to us."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from ufvideo_sdk.errors import CapacityError, PackageError, UFVideoError

_MAX_SHOWN = 256


def is_file(path: Path) -> bool:
    """Whether there is a plain file; False, and no OSError or ValueError, where none can be."""
    return os.path.isfile(path)  # noqa: PTH113  (a Path's own raises for a name of 5,000 letters)


def is_folder(path: Path) -> bool:
    """Whether there is a folder; False, and no OSError or ValueError, where none can be."""
    return os.path.isdir(path)  # noqa: PTH112


def shown_path(path: Path) -> str:
    """The path for a message, cut to a readable length, with control characters spelled out."""
    text = str(path)
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}... ({len(text)} characters)"


def unreadable(path: Path, error: OSError) -> UFVideoError:
    """The error for a file of a package that could not be read.

    Args:
        path: The file.
        error: What the system said.
    """
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return CapacityError(
            f"expected a free file descriptor to read {shown_path(path)} with, got:"
            f" {error.strerror}; close files or raise the limit (ulimit -n)"
        )
    return PackageError(f"{shown_path(path)}: expected a readable file: {error.strerror}")
