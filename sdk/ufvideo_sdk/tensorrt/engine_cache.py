"""A private folder of TensorRT engines: built whole or not at all, checked before each use."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ufvideo_sdk.atomic_file import NO_ROOM, flush_to_disk
from ufvideo_sdk.errors import CapacityError, ConfigError, PackageError
from ufvideo_sdk.tensorrt.engine_metadata import EngineKey, check_folder, check_owned, write_record
from ufvideo_sdk.tensorrt.timing_cache import SUFFIX

_MODE = 0o700
# An entry, or what a builder left of it.
_ENTRY = re.compile(r"([0-9a-f]{64})|\.([0-9a-f]{64})\.(?:building|replaced)-\w+")
_TIMINGS = re.compile(r"[0-9a-f]{64}" + re.escape(SUFFIX))
_LOGGER = logging.getLogger("ufvideo_sdk")


def default_folder() -> Path:
    """`$XDG_CACHE_HOME/ufvideo/tensorrt`, or below `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The specification has relative paths ignored.
    root = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return root / "ufvideo" / "tensorrt"


class EngineCache:
    """Engines by what they were built of.

    A folder of engines has its name only when it is complete: it is built in a hidden sibling, its
    record is written, and one rename gives it the name. One process builds an entry at a time;
    another that wants the same waits and takes what came of it.
    """

    def __init__(self, folder: Path, command: str) -> None:
        """Open the folder, made with mode 0700 where there is none.

        Args:
            folder: Where the engines are.
            command: What builds an entry again, for messages.

        Raises:
            ConfigError: When the folder cannot be made, belongs to another user, is a link, or
                others may write it.
        """
        self.folder = folder
        self._command = command
        try:
            folder.mkdir(mode=_MODE, parents=True, exist_ok=True)
            status = folder.lstat()
        except OSError as error:
            raise ConfigError(
                f"engine_cache: expected a folder that can be made at {folder}, got:"
                f" {error.strerror}"
            ) from error
        if not stat.S_ISDIR(status.st_mode):
            raise ConfigError(f"engine_cache: expected a folder, got something else at {folder}")
        try:
            check_owned(folder, status)
        except PackageError as error:
            raise ConfigError(
                f"engine_cache: {error}; engines are run as code: name a folder of your own, or"
                f" chmod 700 {folder}"
            ) from None

    def find(self, key: EngineKey) -> Path | None:
        """The folder of these engines, every byte of it checked; None where none was built.

        Raises:
            PackageError: When it is not what its builder wrote, naming the command that builds it
                again.
        """
        entry = self._entry(key)
        if not entry.is_symlink() and not entry.exists():
            return None
        try:
            check_folder(entry, key)
        except (PackageError, OSError) as error:
            raise PackageError(
                f"the TensorRT engines cannot be trusted, nothing of them was loaded: {error};"
                f" build them again: {self._command}"
            ) from error
        return entry

    @contextmanager
    def in_use(self, key: EngineKey) -> Iterator[None]:
        """Keep the entry from being replaced while its files are being opened."""
        with self._locked(key.digest, "use", fcntl.LOCK_SH):
            yield

    def build(
        self, key: EngineKey, write: Callable[[Path], None], *, replace: bool = False
    ) -> Path:
        """Build an entry where there is none, and give its folder.

        Args:
            key: What is built.
            write: Fills the empty folder it is given.
            replace: Build it in any case, and let it take the place of what is there.

        Raises:
            PackageError: When another process's entry is damaged.
            CapacityError: When the disk is full.
        """
        with self._locked(key.digest, "build", fcntl.LOCK_EX):
            self._sweep(key.digest)
            if not replace:
                found = self.find(key)
                if found is not None:
                    return found
            draft = Path(tempfile.mkdtemp(prefix=f".{key.digest}.building-", dir=self.folder))
            try:
                write(draft)
                write_record(draft, key)
                self._put(draft, key)
            except OSError as error:
                if error.errno in NO_ROOM:
                    raise CapacityError(
                        f"expected room for TensorRT engines in {self.folder}, got:"
                        f" {error.strerror}"
                    ) from error
                raise
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        return self._entry(key)

    def clean(self, key: EngineKey, timings: Path) -> dict[str, int]:
        """Remove every other entry, what killed builders left, and others' timings.

        What another process builds or opens at this moment stays, with a warning. Only what bears
        a name of this cache is removed, and no link is followed; lock files, which are empty, stay.

        Args:
            key: Of the entry that stays.
            timings: The file of timings that stays.

        Returns:
            Names of what was removed, and how many bytes each held.
        """
        names = [path.name for path in self.folder.iterdir()]
        found = filter(None, map(_ENTRY.fullmatch, names))
        digests = {match[1] or match[2] for match in found} - {key.digest}
        removed = {}
        for digest in sorted(digests):
            size = self._remove(digest)
            if size is not None:
                removed[digest] = size
        for name in sorted(filter(_TIMINGS.fullmatch, names)):
            path = self.folder / name
            if path != timings and not path.is_dir():
                removed[name] = path.lstat().st_size
                path.unlink()
        return removed

    def _remove(self, digest: str) -> int | None:
        """Remove an entry and its drafts; gives their bytes, None where they are in use."""
        try:
            with (
                self._locked(digest, "build", fcntl.LOCK_EX, wait=False),
                self._locked(digest, "use", fcntl.LOCK_EX, wait=False),
            ):
                self._put_aside(digest)
                size = sum(map(_size_bytes, self.folder.glob(f".{digest}.*-*")))
                self._sweep(digest)
        except BlockingIOError:
            _LOGGER.warning("left %s: another process uses it", self.folder / digest)
            return None
        return size

    def _put_aside(self, digest: str) -> None:
        entry = self.folder / digest
        if entry.is_symlink() or entry.exists():
            entry.rename(self.folder / f".{digest}.replaced-{os.getpid()}")

    def _put(self, draft: Path, key: EngineKey) -> None:
        with self._locked(key.digest, "use", fcntl.LOCK_EX):
            self._put_aside(key.digest)
            draft.rename(self._entry(key))
        flush_to_disk(self.folder)
        self._sweep(key.digest)

    def _sweep(self, digest: str) -> None:
        """Remove what builders of this entry left when they were killed: nobody else builds it."""
        for kind in ("building", "replaced"):
            for left in self.folder.glob(f".{digest}.{kind}-*"):
                if left.is_symlink() or left.is_file():
                    left.unlink()
                else:
                    shutil.rmtree(left, ignore_errors=True)

    def _entry(self, key: EngineKey) -> Path:
        return self.folder / key.digest

    @contextmanager
    def _locked(self, digest: str, what: str, kind: int, *, wait: bool = True) -> Iterator[None]:
        """Hold a lock of the entry; the system frees it when the process ends, however it ends."""
        path = self.folder / f".{digest}.{what}.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if not wait:
                    raise
                _LOGGER.warning("waiting for another process with TensorRT engines at %s", path)
                fcntl.flock(descriptor, kind)
            yield
        finally:
            # A child forked meanwhile has the descriptor too: closing ours would not be enough.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


def _size_bytes(path: Path) -> int:
    """What a file, or all files below a folder, hold; links are not followed."""
    paths = path.rglob("*") if path.is_dir() and not path.is_symlink() else (path,)
    return sum(each.lstat().st_size for each in paths if each.is_symlink() or each.is_file())
