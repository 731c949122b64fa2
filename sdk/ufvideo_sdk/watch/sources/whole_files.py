"""Which files of a folder are whole, as it grows."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path

# What programs call a file while they write it.
_UNFINISHED = (
    ".tmp",
    ".temp",
    ".part",
    ".partial",
    ".crdownload",
    ".download",
    ".draft",
    ".filepart",
)
# A file that nobody has gone on writing for so long does not hold up those behind it.
_STUCK_S = 60.0


@dataclass(frozen=True)
class FoundFile:
    """A file of the folder.

    Attributes:
        path: Where it is.
        changed_s: When it was last changed, seconds since 1970.
    """

    path: Path
    changed_s: float


class WholeFiles:
    """Lists the new files of a folder in order, each once, when it is whole."""

    def __init__(self, folder: Path, order: str, settle_s: float) -> None:
        """Begin with none seen.

        Args:
            folder: The folder; folders in it, hidden files, and files whose names say that they are
                being written are left out.
            order: "name", or "time" of the last change.
            settle_s: A file is whole when it has not changed for so long, and nobody has it open
                for writing.
        """
        self._folder = folder
        self._order = order
        self._settle_s = settle_s
        self._seen: set[str] = set()
        # When each size was first seen: clocks of network folders may differ from this machine's.
        self._sizes: dict[str, tuple[int, float]] = {}
        self.is_waiting = False
        """Whether a new file was there at the last call of `next`, and was not whole."""

    def next(self) -> FoundFile | None:
        """The next file that is whole; None while there is none.

        A file that is still being written holds up those behind it, so that order is kept.

        Raises:
            OSError: When the folder cannot be read.
        """
        with os.scandir(self._folder) as entries:
            names = {entry.name for entry in entries}
        # What is gone may come again under its name.
        self._seen &= names
        self._sizes = {name: size for name, size in self._sizes.items() if name in names}
        self.is_waiting = False
        for name, status in self._in_order(names - self._seen):
            if self._is_whole(name, status):
                self._seen.add(name)
                return FoundFile(self._folder / name, status.st_mtime)
            if time.time() - status.st_mtime < _STUCK_S:
                self.is_waiting = True
                return None
        return None

    def _in_order(self, names: set[str]) -> list[tuple[str, os.stat_result]]:
        found = []
        for name in names:
            if name.startswith(".") or name.lower().endswith(_UNFINISHED):
                continue
            try:
                status = (self._folder / name).stat()
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode):
                found.append((name, status))
        if self._order == "time":
            return sorted(found, key=lambda each: (each[1].st_mtime_ns, each[0]))
        return sorted(found, key=lambda each: each[0])

    def _is_whole(self, name: str, status: os.stat_result) -> bool:
        now_s = time.monotonic()
        size, since_s = self._sizes.get(name, (-1, now_s))
        if size != status.st_size:
            # One that lies there since long before is whole at once.
            age_s = max(time.time() - status.st_mtime, 0.0)
            since_s = now_s - age_s if size < 0 else now_s
            self._sizes[name] = (status.st_size, since_s)
        if now_s - since_s < self._settle_s:
            return False
        return status.st_size > 0 and not _is_being_written(self._folder / name)


def _is_being_written(path: Path) -> bool:
    """Whether a process has a file open for writing, as far as the system tells.

    Linux grants a read lease only on files that nobody writes. Where it grants none at all, such as
    on files of others and on network folders, size and time decide alone.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return True
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False
