"""Files from the Hub into its cache, each compared with the Hub's digest.

`huggingface_hub` 1 and 2 begin a file anew when a process was stopped; shards of a checkpoint have
gigabytes. So its `http_get`, which tries again and reads from any byte, writes into a file of the
cache that stays when it is stopped.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from ufvideo_sdk.errors import CapacityError, UFVideoError
from ufvideo_sdk.hub.hub_cache import HubCache
from ufvideo_sdk.hub.hub_library import HubLibrary
from ufvideo_sdk.hub.hub_name import HubName, HubRevision
from ufvideo_sdk.hub.hub_problem import hub_problem
from ufvideo_sdk.validation.paths import is_file

# Digests of Git LFS are SHA-256; those of Git itself SHA-1, over a header and the bytes.
_SHA256_DIGITS = 64
_BLOCK_BYTES = 1 << 20
# Before a connection that was cut is opened again.
_PAUSE_S = 1.0


@dataclass(frozen=True)
class HubFile:
    """What the Hub says of a file.

    Attributes:
        size_bytes: Its size; None if only the cache was asked.
        digest: SHA-256 of a large file, which Git LFS keeps; Git's own SHA-1 of another one; None
            if the cache does not know it.
    """

    size_bytes: int | None
    digest: str | None


@dataclass(frozen=True)
class DownloadProgress:
    """How far a download from the Hub is.

    Attributes:
        source: The repository and its commit.
        folder: The cache that the files go into.
        file: The file that is being read.
        done_bytes: Bytes of all files that are here, those of earlier tries included.
        total_bytes: Bytes of all files that were missing.
    """

    source: HubRevision
    folder: Path
    file: str
    done_bytes: int
    total_bytes: int


DownloadCallback = Callable[[DownloadProgress], None]


@dataclass(frozen=True)
class Download:
    """Reads files of one commit.

    Attributes:
        name: The repository, as it was asked for.
        source: The same with its commit.
        cache: Where the files go.
        library: What reads them.
        kind: The family of errors for a file that cannot be had or has another digest.
        on_download: Called as bytes come; its exceptions end the download and are raised unchanged.
    """

    name: HubName
    source: HubRevision
    cache: HubCache
    library: HubLibrary
    kind: type[UFVideoError]
    on_download: DownloadCallback | None

    def run(self, files: Mapping[str, HubFile]) -> None:
        """Read files that are not here, one after the other.

        Raises:
            CapacityError: When the disk is too small, before anything is read, or full.
            UFVideoError: Of `kind`, when a file cannot be had or is not what the Hub lists.
        """
        missing = missing_bytes(self.cache, files.values())
        check_space(self.cache.root, missing, str(self.name))
        total = sum(file.size_bytes or 0 for file in files.values())
        done = total - missing
        for name, file in files.items():
            before = _bytes_here(self.cache, file)
            self._report(name, done, total)
            came = self._came(name, done - before, total)
            problem: UFVideoError | None = None
            try:
                self._fetch(name, file, came)
            except UFVideoError:
                raise
            except Exception as error:
                if came.problem is not None:
                    raise
                problem = hub_problem(error, self.name, self.library, self.kind)
            if problem is not None:
                # Behind the handler, so that no traceback shows what it came of.
                raise problem
            done += (file.size_bytes or 0) - before
        self._report(list(files)[-1], done, total)

    def _report(self, name: str, done: int, total: int) -> None:
        if self.on_download is not None:
            self.on_download(DownloadProgress(self.source, self.cache.root, name, done, total))

    def _came(self, name: str, done_before: int, total: int) -> _Counter:
        return _Counter(lambda num_bytes: self._report(name, done_before + num_bytes, total))

    def _fetch(self, name: str, file: HubFile, came: _Counter) -> None:
        assert file.digest is not None and file.size_bytes is not None
        blob, partial = self.cache.blob(file.digest), self.cache.partial(file.digest)
        lock = self.cache.lock(file.digest)
        lock.parent.mkdir(parents=True, exist_ok=True)
        blob.parent.mkdir(parents=True, exist_ok=True)
        with self.library.utils.WeakFileLock(lock):
            # Another commit has it, or another process was faster.
            if is_file(blob):
                if digest_of(blob, file.digest) != file.digest:
                    raise changed_in_cache(self.name, name, file.digest, blob, self.kind)
            else:
                self._read(name, file, partial, came)
                if digest_of(partial, file.digest) != file.digest:
                    # Going on from these bytes would never end well.
                    partial.unlink()
                    raise self.kind(
                        f"{self.name}: expected {name} with the digest {file.digest} that the Hub"
                        " lists, the bytes that came have another one and were removed; try again,"
                        " and look at what stands between this machine and the Hub if it stays so"
                    )
                partial.replace(blob)
            self.cache.publish(file.digest, self.source.commit, name)

    def _read(self, name: str, file: HubFile, partial: Path, came: _Counter) -> None:
        assert file.digest is not None and file.size_bytes is not None
        have = partial.stat().st_size if partial.exists() else 0
        # A server may compress small files, of which it then gives no part.
        is_resumable = len(file.digest) == _SHA256_DIGITS and have <= file.size_bytes
        with partial.open("ab") as draft:
            if not is_resumable:
                draft.truncate(0)
                have = 0
            where = f"{self.source.repository}/resolve/{self.source.commit}/{quote(name)}"
            url = f"{self.library.constants.ENDPOINT}/{where}"
            while True:
                try:
                    self._read_from(have, url, came.around(draft), file)
                    return
                except Exception:
                    # Version 0 of the library gives up when a server closes the connection. As
                    # long as bytes come, that is worth another try.
                    before, have = have, draft.tell()
                    if came.problem is not None or not (is_resumable and have > before):
                        raise
                time.sleep(_PAUSE_S)

    def _read_from(self, begin: int, url: str, draft: _Counter, file: HubFile) -> None:
        with self.library.quiet():
            self.library.file_download.http_get(
                url,
                draft,
                resume_size=begin,
                headers=dict(self.library.headers()),
                expected_size=file.size_bytes,
            )


class _Counter:
    """A file that tells how long it has become."""

    def __init__(self, on_length: Callable[[int], None]) -> None:
        self._on_length = on_length
        self._file: BinaryIO | None = None
        # What `on_length` raised: not a problem of the download.
        self.problem: BaseException | None = None

    def around(self, file: BinaryIO) -> _Counter:
        """Write into this file."""
        self._file = file
        self.name = file.name
        return self

    def write(self, content: bytes) -> int:
        """Write bytes, and tell."""
        assert self._file is not None
        written = self._file.write(content)
        # On the disk, as far as a killed process is concerned.
        self._file.flush()
        try:
            self._on_length(self._file.tell())
        except BaseException as error:
            self.problem = error
            raise
        return written

    def tell(self) -> int:
        """The position."""
        assert self._file is not None
        return self._file.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position."""
        assert self._file is not None
        return self._file.seek(offset, whence)

    def truncate(self, size: int | None = None) -> int:
        """Cut the file at a position."""
        assert self._file is not None
        return self._file.truncate(size)


def missing_bytes(cache: HubCache, files: Iterable[HubFile]) -> int:
    """What is left to read of files, without what an earlier try has left."""
    return sum((file.size_bytes or 0) - _bytes_here(cache, file) for file in files)


def check_space(cache: Path, needed_bytes: int, what: str) -> None:
    """Refuse to begin a download that the disk of the cache cannot hold.

    Args:
        cache: Folder of the cache, which may be missing still.
        needed_bytes: What is left to read.
        what: The repository, for the message.

    Raises:
        CapacityError: With the bytes needed and the bytes free.
    """
    place = next(each for each in (cache, *cache.parents) if each.is_dir())
    free = shutil.disk_usage(place).free
    if free < needed_bytes:
        raise CapacityError(
            f"{what}: expected {readable_bytes(needed_bytes)} of free space for the download, found"
            f" {readable_bytes(free)} at {place}; free some, or name a cache on another disk with"
            " HF_HOME"
        )


def readable_bytes(num_bytes: int) -> str:
    """A size for a message, in kB, MB or GB of 1000s, as the Hub shows them."""
    size, unit = num_bytes / 1e3, "kB"
    for larger in ("MB", "GB"):
        if size >= 1e3:
            size, unit = size / 1e3, larger
    return f"{size:.1f} {unit}"


def changed_in_cache(
    repository: HubName, name: str, digest: str, path: Path, kind: type[UFVideoError]
) -> UFVideoError:
    """The error for a file of the cache that was changed after it came."""
    return kind(
        f"{repository}: expected {name} with the digest {digest}, the file in the cache has another"
        f" one: remove {path.resolve()} and download it again"
    )


def digest_of(path: Path, like: str) -> str:
    """The digest of a file, of the kind that another digest is."""
    if len(like) == _SHA256_DIGITS:
        digest = hashlib.sha256()
    else:
        digest = hashlib.sha1(usedforsecurity=False)
        digest.update(f"blob {path.stat().st_size}\0".encode())
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _bytes_here(cache: HubCache, file: HubFile) -> int:
    """How much of a file an earlier try has left, or another commit has."""
    assert file.digest is not None and file.size_bytes is not None
    if is_file(cache.blob(file.digest)):
        return file.size_bytes
    partial = cache.partial(file.digest)
    if len(file.digest) != _SHA256_DIGITS or not is_file(partial):
        return 0
    size = partial.stat().st_size
    return size if size <= file.size_bytes else 0
