"""A package appears whole or not at all.

An export writes into `.NAME.partial-PID` beside the target and renames it to NAME at the end. A
replacement first renames the old package to `.NAME.replaced-PID`: no plain call of the system
exchanges two folders. Killed between the two, NAME is missing, and both hidden folders are whole;
the next export to NAME puts the old package back before anything else.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ufvideo_sdk.errors import CapacityError, InputError
from ufvideo_sdk.manifest import FileEntry, Manifest

MANIFEST_NAME = "manifest.json"


def file_entry(root: Path, name: str) -> FileEntry:
    """Size and digest of a file of the package."""
    digest = hashlib.sha256()
    with (root / name).open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return FileEntry(path=name, size_bytes=(root / name).stat().st_size, sha256=digest.hexdigest())


def check_target(out: Path, *, force: bool) -> None:
    """Refuse a target that exists, or that replacing would destroy something else.

    Raises:
        InputError: Saying which.
    """
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise InputError(f"expected a folder to write the package to, {out} is something else")
    if not out.exists():
        return
    if not force:
        raise InputError(f"expected a new folder, {out} exists: give --force to replace it")
    if any(out.iterdir()) and not (out / MANIFEST_NAME).is_file():
        raise InputError(
            f"expected a package to replace, {out} holds other files (no {MANIFEST_NAME})"
        )


def check_space(out: Path, needed_bytes: float) -> None:
    """Refuse to start what cannot be finished.

    Raises:
        CapacityError: With the bytes needed and the bytes free.
    """
    free = shutil.disk_usage(out.parent).free
    if free < needed_bytes:
        raise CapacityError(
            f"expected {needed_bytes / 2**20:.0f} MiB of free space for the package, found"
            f" {free / 2**20:.0f} MiB at {out.parent}"
        )


@contextmanager
def partial_folder(out: Path) -> Iterator[Path]:
    """A hidden folder beside the target to write into; removed when the export fails.

    Leftovers of exports whose process is gone are removed first.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    clear_leftovers(out)
    partial = out.parent / f".{out.name}.partial-{os.getpid()}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def publish(partial: Path, out: Path, manifest: Manifest, *, force: bool) -> None:
    """Write the manifest, make everything durable, and rename the folder to its name.

    Raises:
        InputError: When something appeared at the target meanwhile.
    """
    (partial / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
    for path in (*sorted(partial.iterdir()), partial):
        _sync(path)
    check_target(out, force=force)
    # The old package steps aside under a name that a later export knows how to put back.
    aside = out.parent / f".{out.name}.replaced-{os.getpid()}"
    if out.exists():
        out.rename(aside)
    try:
        partial.rename(out)
    except OSError:
        if aside.exists():
            aside.rename(out)
        raise
    _sync(out.parent)
    shutil.rmtree(aside, ignore_errors=True)


def clear_leftovers(out: Path) -> None:
    """Put back the package, or remove the folders, that an export whose process is gone left."""
    if not out.parent.is_dir():
        return
    pattern = re.compile(rf"\.{re.escape(out.name)}\.(partial|replaced)-(\d+)")
    for path in sorted(out.parent.iterdir()):
        match = pattern.fullmatch(path.name)
        if match is None or _alive(int(match[2])):
            continue
        if match[1] == "replaced" and not out.exists():
            path.rename(out)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _alive(pid: int) -> bool:
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
