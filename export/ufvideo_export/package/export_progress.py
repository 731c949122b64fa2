"""What an export has finished, beside what it finished, so that a stopped one goes on from there.

A stage is taken over only where the checkpoint's bytes, the options and the exporter are those it
was made with, and its own files still have the digests that were recorded.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.package.write_package import PROGRESS_NAME, file_entry
from ufvideo_sdk.errors import PackageError
from ufvideo_sdk.package.manifest import FileEntry, StageEntry, StageVerification

# What an export reads of a checkpoint's folders.
_READ_SUFFIXES = (".json", ".safetensors", ".txt")


def export_key(checkpoint: Checkpoint, options: Mapping[str, str]) -> str:
    """A digest of everything that decides the bytes of a package: 64 hexadecimal digits.

    Args:
        checkpoint: Whose files are read through once.
        options: How it is exported, and versions of what exports it.
    """
    digest = hashlib.sha256()
    for name, value in sorted(options.items()):
        digest.update(f"{name}={value}\n".encode())
    # A changed exporter writes other graphs under the same version.
    exporter = Path(__file__).parents[1]
    for folder in (exporter, *sorted(path for path in exporter.iterdir() if path.is_dir())):
        _add_files(digest, folder.name, folder, (".py",))
    for number, folder in enumerate(checkpoint.folders):
        _add_files(digest, f"checkpoint {number}", folder, _READ_SUFFIXES)
    return digest.hexdigest()


def _add_files(digest: Any, label: str, folder: Path, suffixes: tuple[str, ...]) -> None:
    for path in sorted(folder.iterdir()):
        if path.suffix in suffixes and path.is_file():
            entry = file_entry(folder, path.name)
            digest.update(f"{label} {entry.path} {entry.size_bytes} {entry.sha256}\n".encode())


class ExportProgress:
    """The stages that a partial package holds."""

    def __init__(self, folder: Path, key: str) -> None:
        """Read what an earlier export of the same key recorded; nothing of another's is used."""
        self.folder, self._key = folder, key
        self._stages = _recorded(folder / PROGRESS_NAME, key)

    def finished(self, stem: str, entry: StageEntry) -> StageVerification | None:
        """What was measured of a stage whose files are still those that were measured.

        Args:
            stem: The stage.
            entry: Its files as they are now.
        """
        recorded = self._stages.get(stem)
        if recorded is None or recorded["files"] != _plain_files(entry):
            return None
        try:
            return StageVerification(**recorded["verification"])
        except (TypeError, PackageError):
            return None

    def clear_rest(self) -> None:
        """Remove what belongs to no finished stage: half-written files, folders of tools."""
        files = [file for stage in self._stages.values() for file in stage["files"]]
        kept = {PROGRESS_NAME} | {file["path"] for file in files if file is not None}
        for path in self.folder.iterdir():
            if path.name in kept:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    @property
    def stems(self) -> tuple[str, ...]:
        """The stages that are recorded."""
        return tuple(self._stages)

    def record(self, stem: str, entry: StageEntry, verification: StageVerification) -> None:
        """Add a stage, so that a reader finds all of it or nothing."""
        self._stages[stem] = {
            "files": _plain_files(entry),
            "verification": dataclasses.asdict(verification),
        }
        text = json.dumps({"key": self._key, "stages": self._stages}, indent=2)
        written = self.folder / f"{PROGRESS_NAME}.new"
        written.write_text(text, encoding="utf-8")
        written.replace(self.folder / PROGRESS_NAME)


def _plain_files(entry: StageEntry) -> list[dict[str, Any] | None]:
    def plain(file: FileEntry | None) -> dict[str, Any] | None:
        return None if file is None else dataclasses.asdict(file)

    return [plain(entry.graph), plain(entry.weights)]


def _recorded(path: Path, key: str) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["key"] == key:
            return dict(found["stages"])
    except (OSError, ValueError, KeyError, TypeError):
        # None, or none that this exporter wrote: every stage is made again.
        pass
    return {}
