"""Where recordings lie: a folder for each camera, and in it one for each recording.

DIR/
  door/                          a camera
    20261129T113203.125Z/        a recording, named by when it began
      recording.json             what it was made with
      facts.jsonl                every fact
      events.jsonl               the edges of events among them
      capture.jsonl              which frames were looked at, drops, notices
      0000.mkv, 0001.mkv         packets as they came, a file a section
"""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ufvideo_sdk.errors import ConfigError, InputError
from ufvideo_sdk.validation.arguments import as_integer, as_number, described
from ufvideo_sdk.validation.paths import entries_of, is_file, is_folder, shown
from ufvideo_sdk.watch.recording.header import HEADER_NAME

PARTS_SUFFIX = ".mkv"
_PART_BYTES = 64 << 20
_NAME = re.compile(r"\d{8}T\d{6}\.\d{3}Z")


def new_name(now_s: float, camera_folder: Path) -> str:
    """Return the name of a recording that begins now, in UTC, which no other one has.

    Args:
        now_s: Seconds since 1970.
        camera_folder: Where it will lie.
    """
    while True:
        now = datetime.fromtimestamp(now_s, timezone.utc)
        name = f"{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03d}Z"
        if not (camera_folder / name).exists():
            return name
        now_s += 0.001


def recordings_in(folder: Path) -> list[Path]:
    """Return the folders of recordings in a folder, at most two levels below it, oldest first.

    Raises:
        InputError: When it cannot be listed.
    """
    if is_file(folder / HEADER_NAME):
        return [folder]
    found = []
    for each in entries_of(folder):
        if is_folder(each):
            if is_file(each / HEADER_NAME):
                found.append(each)
            else:
                found += [e for e in entries_of(each) if is_file(e / HEADER_NAME)]
    return sorted(found, key=lambda path: (path.name, str(path)))


def the_recording(folder: Path) -> Path:
    """Return the one recording in a folder.

    Args:
        folder: A recording, or a folder with one.

    Raises:
        InputError: When there is none, or several.
    """
    if not is_folder(folder):
        what = "a file" if is_file(folder) else "nothing"
        raise InputError(f"{shown(folder)}: expected the folder of a recording, found {what}")
    found = recordings_in(folder)
    if not found:
        raise InputError(f"{shown(folder)}: expected a recording in it, found none")
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(folder)) for path in found[:8])
        raise InputError(
            f"{shown(folder)}: expected one recording, found {len(found)}: name one of them:"
            f" {names}{', ...' if len(found) > 8 else ''}"
        )
    return found[0]


@dataclass(frozen=True)
class Retention:
    """How much of a camera's recordings is kept: the oldest packets are removed first.

    Attributes:
        max_bytes: Most bytes of a camera's recordings; None: no bound.
        max_age_s: Oldest packets, in seconds since they were written; None: no bound.
    """

    max_bytes: int | None = None
    max_age_s: float | None = None

    def __post_init__(self) -> None:
        """Check both.

        Raises:
            ConfigError: When one is not so.
        """
        num_bytes = as_integer(self.max_bytes)
        if self.max_bytes is not None and (num_bytes is None or num_bytes < 1 << 20):
            expected = "1 MiB (1048576) or more"
            raise ConfigError(f"max_bytes: expected {expected}, got {described(self.max_bytes)}")
        age_s = as_number(self.max_age_s)
        if self.max_age_s is not None and (age_s is None or age_s <= 0):
            expected = "seconds, more than 0"
            raise ConfigError(f"max_age_s: expected {expected}, got {described(self.max_age_s)}")

    @property
    def part_bytes(self) -> int:
        """Bytes after which a file of packets is followed by another one."""
        most = _PART_BYTES if self.max_bytes is None else self.max_bytes // 8
        return min(_PART_BYTES, most)

    def apply(self, camera_folder: Path, current: Path | None, now_s: float) -> None:
        """Remove what is too old or too much.

        A recording that has lost its packets goes, unless it is under way: its log stays whole.

        Args:
            camera_folder: The camera's folder.
            current: The recording under way.
            now_s: Seconds since 1970.
        """
        if self.max_bytes is None and self.max_age_s is None:
            return
        recordings = [p for p in recordings_in(camera_folder) if _NAME.fullmatch(p.name)]
        files = {path: _status_of_files(path) for path in recordings}
        total = sum(size for found in files.values() for size, _ in found.values())
        for recording in recordings:
            parts = sorted(path for path in files[recording] if path.suffix == PARTS_SUFFIX)
            # The last one of the recording under way is being written.
            removable = parts[:-1] if recording == current else parts
            for path in removable:
                size, written_s = files[recording][path]
                is_too_much = self.max_bytes is not None and total > self.max_bytes
                is_too_old = self.max_age_s is not None and now_s - written_s > self.max_age_s
                if not is_too_much and not is_too_old:
                    break
                path.unlink(missing_ok=True)
                total -= size
            else:
                if recording != current:
                    shutil.rmtree(recording, ignore_errors=True)


def _status_of_files(folder: Path) -> dict[Path, tuple[int, float]]:
    """Size and time of the last change of each file."""
    found = {}
    for each in folder.iterdir():
        with suppress(OSError):
            status = each.stat()
            found[each] = (status.st_size, status.st_mtime)
    return found
