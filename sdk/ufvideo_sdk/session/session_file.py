"""Session files: what was computed of a clip, to be asked again without the video.

Nothing in a file is trusted: it is compared with the package's sizes and with its own length before
anything is allocated, and every number that goes on has been checked (docs/session_format.md).
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.atomic_file import replacing
from ufvideo_sdk.errors import CapacityError, InputError, PackageError
from ufvideo_sdk.package.manifest import Manifest
from ufvideo_sdk.session.session_header import ArrayFacts, SessionFacts
from ufvideo_sdk.validation.known_content import SESSION_MAGIC
from ufvideo_sdk.validation.paths import open_plain_file, reading_failed
from ufvideo_sdk.validation.strict_json import plain

SESSION_FORMAT_VERSION = 2
_READ_VERSIONS = (1, SESSION_FORMAT_VERSION)
# Magic, format version, bytes of the facts, bytes of the file; the SHA-256 of all else follows.
_HEAD = struct.Struct("<8sIIQ")
_FACTS_OFFSET = _HEAD.size + 32
_ALIGNMENT_BYTES = 64
_CHUNK_BYTES = 1 << 20
_MAX_FACTS_BYTES = 1 << 21

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class SessionFile:
    """A session file that passed every check.

    Attributes:
        facts: Its small part.
        timestamps_s: Presentation time of every frame of the source, float64 [n], never
            decreasing.
        computed: "features", "video_tokens", "keys" and "values", as `SessionFacts.arrays` says.
    """

    facts: SessionFacts
    timestamps_s: NDArray[np.float64]
    computed: Arrays


def write_session_file(
    path: Path, facts: SessionFacts, arrays: Arrays, sources: Sequence[Path] = ()
) -> None:
    """Write a session file, in one step.

    Args:
        path: Where to; an older file is replaced.
        facts: The small part.
        arrays: In the order of `SessionFacts.arrays`, C-contiguous.
        sources: Files that must not be replaced.

    Raises:
        InputError: When the path is one of the sources or no plain file, or when it or its folder
            cannot be written.
        CapacityError: When the disk is full.
    """
    text = json.dumps(plain(facts), ensure_ascii=False).encode()
    num_bytes = _FACTS_OFFSET + len(text)
    for array in arrays.values():
        num_bytes += _padding(num_bytes) + array.nbytes
    head = _HEAD.pack(SESSION_MAGIC, SESSION_FORMAT_VERSION, len(text), num_bytes)
    with replacing(path, sources) as draft, draft.open("wb") as file:
        digest = hashlib.sha256(head)
        file.write(head + bytes(digest.digest_size))
        for piece in _pieces(text, arrays):
            digest.update(piece)
            file.write(piece)
        file.seek(_HEAD.size)
        file.write(digest.digest())


def _pieces(text: bytes, arrays: Arrays) -> Iterator[bytes | memoryview]:
    offset = _FACTS_OFFSET + len(text)
    yield text
    for array in arrays.values():
        padding = _padding(offset)
        yield bytes(padding)
        yield array.data.cast("B")
        offset += padding + array.nbytes


def _padding(offset: int) -> int:
    return -offset % _ALIGNMENT_BYTES


def read_session_file(path: Path, manifest: Manifest, manifest_sha256: str) -> SessionFile:
    """Read and check a session file of a package.

    Raises:
        InputError: When there is no such file, it is no session file, is damaged or cut off, has a
            format this version does not read, or belongs to another package; naming the file.
        CapacityError: When it does not fit into memory.
    """
    with open_plain_file(path, "a session file") as file:
        return _read(file, path, manifest, manifest_sha256)


def _read(file: BinaryIO, path: Path, manifest: Manifest, manifest_sha256: str) -> SessionFile:
    try:
        return _Reader(file, manifest, manifest_sha256).read()
    except OSError as error:
        raise reading_failed(error, path, "a session file") from error
    except (InputError, PackageError) as error:
        raise InputError(f"{path}: {error}") from None
    except MemoryError:
        raise CapacityError(f"{path}: expected memory for what the file holds") from None


class _Reader:
    """Sizes first, then one pass for the checksum and one for the parts."""

    def __init__(self, file: BinaryIO, manifest: Manifest, manifest_sha256: str) -> None:
        self._file = file
        self._manifest = manifest
        self._manifest_sha256 = manifest_sha256

    def read(self) -> SessionFile:
        head, version, facts_bytes, file_bytes = self._head()
        facts = self._facts(facts_bytes, version)
        listed = facts.arrays(self._manifest)
        offset = _FACTS_OFFSET + facts_bytes
        expected = offset
        for array in listed.values():
            expected += _padding(expected) + array.num_bytes
        if expected != file_bytes:
            raise InputError(f"expected {expected} bytes by its own facts, got {file_bytes}")
        self._check_digest(head)
        self._file.seek(offset)
        arrays = {}
        for name, array in listed.items():
            self._file.seek(_padding(offset), os.SEEK_CUR)
            arrays[name] = self._array(name, array)
            offset += _padding(offset) + array.num_bytes
        times = arrays.pop("timestamps_s")
        if not (np.diff(times) >= 0).all():
            raise InputError("timestamps_s: expected times that never decrease")
        return SessionFile(facts, times, arrays)

    def _head(self) -> tuple[bytes, int, int, int]:
        """The head, the format version, bytes of the facts and of the file."""
        head = self._file.read(_FACTS_OFFSET)
        if len(head) < _FACTS_OFFSET or not head.startswith(SESSION_MAGIC):
            raise InputError(
                "expected a session file of ufvideo-sdk, got another kind of file: UFVideo.open"
                " opens videos and pictures"
            )
        _, version, facts_bytes, file_bytes = _HEAD.unpack_from(head)
        if version not in _READ_VERSIONS:
            raise InputError(
                f"expected session format {' or '.join(map(str, _READ_VERSIONS))}, which this"
                f" version reads, got {version}; save the session again with this version"
            )
        size = os.fstat(self._file.fileno()).st_size
        if size != file_bytes:
            raise InputError(f"expected {file_bytes} bytes, got {size}: it was cut off or added to")
        return head, version, facts_bytes, file_bytes

    def _check_digest(self, head: bytes) -> None:
        """Compare the checksum; a file of a size that no session has is not read for it."""
        digest = hashlib.sha256(head[: _HEAD.size])
        self._file.seek(_FACTS_OFFSET)
        while piece := self._file.read(_CHUNK_BYTES):
            digest.update(piece)
        if digest.digest() != head[_HEAD.size :]:
            raise InputError("expected the file as it was saved, its checksum says it was changed")

    def _facts(self, num_bytes: int, version: int) -> SessionFacts:
        if num_bytes > _MAX_FACTS_BYTES:
            raise InputError(f"expected at most {_MAX_FACTS_BYTES} bytes of facts, got {num_bytes}")
        try:
            text = self._file.read(num_bytes).decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"facts: expected JSON in UTF-8: {error}") from None
        facts = SessionFacts.from_json(text, version)
        if facts.manifest_sha256 != self._manifest_sha256:
            raise InputError(
                f"expected a session of the package {self._manifest.model.name} (manifest"
                f" {self._manifest_sha256[:12]}...), got one of another package (manifest"
                f" {facts.manifest_sha256[:12]}...)"
            )
        facts.check_bounds(self._manifest)
        return facts

    def _array(self, name: str, listed: ArrayFacts) -> NDArray[Any]:
        array = np.empty(listed.shape, listed.dtype)
        data = array.data.cast("B")
        done = 0
        while done < len(data):
            count = self._file.readinto(data[done:])  # type: ignore[attr-defined]
            if not count:
                raise InputError(f"{name}: expected {len(data)} bytes, the file ends before")
            done += count
        if not np.isfinite(array).all():
            raise InputError(f"{name}: expected finite numbers, got NaN or infinity")
        return array
