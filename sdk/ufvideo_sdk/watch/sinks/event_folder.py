"""Names of the files of events, and the folders that they lie in."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.paths import shown
from ufvideo_sdk.watch.rules.sink_settings import Keep
from ufvideo_sdk.watch.sinks.event_message import EventMessage

# What `event_stem` begins every name with: nothing else in the folder is ever removed.
_OURS = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}-.+-\d{6}-.+\.(?:mp4|mkv|jpg)")
_DAY_S = 86_400.0


def event_stem(message: EventMessage) -> str:
    """Return how the names of an event's files begin: sorted, they are in the order of time."""
    names = f"{message.camera_name}-{message.event.id:06d}-{message.rule_name}"
    return f"{message.run}-{names}"


def made_folder(folder: Path, what: str) -> Path:
    """Return a folder as an absolute path, made if it is missing.

    Args:
        folder: The folder.
        what: The key of the file of rules, for the message.

    Raises:
        InputError: When there can be no such folder, or nobody may write there.
    """
    path = folder.absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{what}: expected a folder, or a place for a new one, got {shown(folder)}:"
            f" {error.strerror}"
        ) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise InputError(f"{what}: expected a folder that can be written, got {shown(folder)}")
    return path


def remove_old(folder: Path, keep: Keep, newest: Collection[Path] = ()) -> None:
    """Remove files of events that are too old, or too many; those of other programs stay.

    Args:
        folder: Where they lie.
        keep: How many are kept.
        newest: Files that stay in any case, as a message is about to name them.
    """
    if keep == Keep():
        return
    found: list[tuple[float, int, Path]] = []
    with suppress(OSError):
        for path in folder.iterdir():
            if _OURS.fullmatch(path.name) and path not in newest:
                status = path.lstat()
                found.append((status.st_mtime, status.st_size, path))
    oldest_s = 0.0 if keep.days is None else time.time() - keep.days * _DAY_S
    room = float("inf") if keep.gigabytes is None else keep.gigabytes * 1e9
    for path in newest:
        with suppress(OSError):
            room -= path.lstat().st_size
    for written_s, size, path in sorted(found, reverse=True):
        room -= size
        if written_s < oldest_s or room < 0:
            with suppress(OSError):
                path.unlink()
