"""A file of lines that holds whole lines only, whatever happens while one is written."""

from __future__ import annotations

import os
from pathlib import Path


class LineFile:
    """Appends lines to a new file, each with one call of the system."""

    def __init__(self, path: Path) -> None:
        """Create the file.

        Raises:
            OSError: When it exists or cannot be created.
        """
        self._file = path.open("xb", buffering=0)
        self.num_bytes = 0

    def write(self, text: str) -> None:
        """Append whole lines; a disk that takes a part of them only is given back that part.

        Raises:
            OSError: When they cannot be written.
        """
        content = text.encode("utf-8")
        try:
            done = 0
            while done < len(content):
                done += self._file.write(content[done:]) or 0
        except OSError:
            self._file.truncate(self.num_bytes)
            raise
        self.num_bytes += len(content)

    def close(self) -> None:
        """Bring the lines to the disk and close the file; closing again is fine.

        Raises:
            OSError: When the disk does not take them.
        """
        if not self._file.closed:
            try:
                os.fsync(self._file.fileno())
            finally:
                self._file.close()
