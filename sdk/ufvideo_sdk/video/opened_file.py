"""A source file as it was when it was opened, so that no other one is read in its place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.paths import reading_failed, shown


@dataclass(frozen=True)
class OpenedFile:
    """What tells a file from another one that has its name, and from itself once it is written to.

    Attributes:
        path: The file.
        state: Its device and inode, size in bytes, and time of the last change in ns.
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

    def check(self) -> None:
        """Refuse another file, or another content.

        Raises:
            InputError: When the file was changed, replaced or removed.
        """
        change = self.change()
        if change is not None:
            raise change

    def change(self) -> InputError | None:
        """The error for a file that was changed, replaced or removed; None if it was not."""
        try:
            if _state(self.path.stat()) == self.state:
                return None
        except OSError as error:
            return InputError(
                f"{shown(self.path)}: expected the file that was opened, got: {error.strerror}"
            )
        return InputError(
            f"{shown(self.path)}: expected the file that was opened, the file was changed since it"
            " was opened: open it again"
        )


def _state(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
