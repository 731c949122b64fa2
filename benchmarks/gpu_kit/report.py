"""Lines that are printed and saved as they come, so that a run cut short has told what it found."""

from __future__ import annotations

import time
from pathlib import Path


class Report:
    """A text file of lines, each with the seconds since the run began."""

    def __init__(self, path: Path) -> None:
        """Begin a new file."""
        self._begin = time.monotonic()
        self._file = path.open("w", encoding="utf-8")

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self._begin

    def line(self, text: str) -> None:
        """Print a line and save it at once."""
        stamped = f"{self.seconds:6.1f} s  {text}"
        print(stamped, flush=True)
        self._file.write(stamped + "\n")
        self._file.flush()

    def close(self) -> None:
        """End the file."""
        self._file.close()
