"""Read the system's small files, below a root that a test may choose."""

from __future__ import annotations

from pathlib import Path

# What a file of the system says never takes more.
_MAX_BYTES = 1 << 20


def text_of(path: Path) -> str | None:
    """A file's text without the white space around it; None if it cannot be read or is empty."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES)
    except OSError:
        return None
    # Device trees end their strings with a zero.
    return content.decode("utf-8", "replace").strip("\0 \t\r\n") or None


def number_of(path: Path) -> float | None:
    """A file's number; None if there is none."""
    text = text_of(path)
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def folders(parent: Path, pattern: str) -> list[Path]:
    """Entries of a folder by pattern, in the order of their numbers; none if it is not there."""
    try:
        return sorted(parent.glob(pattern), key=lambda path: (len(path.name), path.name))
    except OSError:
        return []
