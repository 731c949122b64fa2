"""A package appears whole or not at all, and what is added to one appears at once.

An export writes into `.NAME.partial-PID` beside the target and renames it to NAME at the end. A
replacement first renames the old package to `.NAME.replaced-PID`: no plain call of the system
exchanges two folders. Killed between the two, NAME is missing, and both hidden folders are whole;
the next export to NAME puts the old package back before anything else. What a stopped export has
finished is taken over by the next one like it, see `export_progress`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ufvideo_sdk.errors import CapacityError, InputError
from ufvideo_sdk.package.file_names import MANIFEST_NAME
from ufvideo_sdk.package.manifest import FileEntry, Manifest

# In a partial folder alone: which stages in it are finished.
PROGRESS_NAME = ".progress.json"


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


def check_space(
    out: Path, needed_bytes: float, *, cache: Path | None = None, download_bytes: int = 0
) -> None:
    """Refuse to start what cannot be finished.

    Args:
        out: The package.
        needed_bytes: What it takes.
        cache: Folder that a download goes into before the package is written.
        download_bytes: What that takes.

    Raises:
        CapacityError: With the bytes needed and the bytes free.
    """
    place = next(folder for folder in out.parents if folder.exists())
    free = shutil.disk_usage(place).free
    what, remedy = "the package", ""
    if cache is not None and download_bytes and _is_on_the_same_disk(cache, place):
        needed_bytes += download_bytes
        what = "the download and the package"
        remedy = (
            "; free some, write the package to another disk, or name a cache on another disk with"
            " HF_HOME"
        )
    if free < needed_bytes:
        raise CapacityError(
            f"expected {needed_bytes / 2**20:.0f} MiB of free space for {what}, found"
            f" {free / 2**20:.0f} MiB at {place}{remedy}"
        )


def _is_on_the_same_disk(cache: Path, place: Path) -> bool:
    there = next(folder for folder in (cache, *cache.parents) if folder.exists())
    return there.stat().st_dev == place.stat().st_dev


@contextmanager
def partial_folder(out: Path, resumes: Callable[[Path], bool] = lambda _: False) -> Iterator[Path]:
    """A hidden folder beside the target to write into.

    Removed when the export fails, kept when it is stopped (Ctrl-C). Leftovers of exports whose
    process is gone are removed first, but for one that is taken over.

    Args:
        out: The target.
        resumes: Whether the export goes on from what a leftover folder holds.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    clear_leftovers(out)
    partial = out.parent / f".{out.name}.partial-{os.getpid()}"
    # This process' own, stopped before, comes first: its name is taken.
    for path in sorted(_leftovers(out, "partial"), key=lambda path: path != partial):
        if resumes(path) and path != partial and not partial.exists():
            path.rename(partial)
        elif path != partial or not resumes(path):
            shutil.rmtree(path, ignore_errors=True)
    partial.mkdir(exist_ok=True)
    try:
        yield partial
    except KeyboardInterrupt:
        raise
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    shutil.rmtree(partial, ignore_errors=True)


def publish(partial: Path, out: Path, manifest: Manifest, *, force: bool) -> None:
    """Write the manifest, make everything durable, and rename the folder to its name.

    Raises:
        InputError: When something appeared at the target meanwhile.
    """
    (partial / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
    (partial / PROGRESS_NAME).unlink(missing_ok=True)
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


def add_files(partial: Path, package: Path, manifest: Manifest) -> None:
    """Move the files of a folder into a package, then replace the package's manifest by one rename.

    Killed before that, the package is the old one, with files that its manifest does not list; the
    next addition replaces them.
    """
    (partial / PROGRESS_NAME).unlink(missing_ok=True)
    written = partial / MANIFEST_NAME
    added = sorted(partial.iterdir())
    written.write_text(manifest.to_json(), encoding="utf-8")
    for path in (*added, written):
        _sync(path)
    for path in added:
        path.replace(package / path.name)
    _sync(package)
    written.replace(package / MANIFEST_NAME)
    _sync(package)


def clear_leftovers(out: Path) -> None:
    """Put back the package that an export whose process is gone left aside, and tidy up.

    A partial folder with finished stages stays until the next export knows whether it goes on from
    there.
    """
    for path in _leftovers(out, "replaced"):
        if out.exists():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.rename(out)
    for path in _leftovers(out, "partial"):
        if not (path / PROGRESS_NAME).is_file():
            shutil.rmtree(path, ignore_errors=True)


def leftover_bytes(out: Path) -> int:
    """What partial folders of ended exports hold, which the next one takes over or removes."""
    files = (path for folder in _leftovers(out, "partial") for path in folder.rglob("*"))
    return sum(path.stat().st_size for path in files if path.is_file())


def _leftovers(out: Path, kind: str) -> list[Path]:
    """Folders of a kind that no running process is at."""
    if not out.parent.is_dir():
        return []
    pattern = re.compile(rf"\.{re.escape(out.name)}\.{kind}-(\d+)")
    found = ((path, pattern.fullmatch(path.name)) for path in sorted(out.parent.iterdir()))
    return [path for path, match in found if match is not None and not _alive(int(match[1]))]


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
