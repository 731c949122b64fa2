"""Names of the files of events, and the folders that they lie in."""

from __future__ import annotations

import os
from pathlib import Path

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.paths import shown
from ufvideo_sdk.watch.sinks.event_message import EventMessage


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
