"""TensorRT's timings of layers, kept from one build of engines to the next.

Only times, but TensorRT parses them: what is not byte for byte what a builder of this user kept is
dropped before TensorRT sees it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from ufvideo_sdk.errors import PackageError
from ufvideo_sdk.package.manifest_fields import FileEntry
from ufvideo_sdk.tensorrt.engine_metadata import EngineKey, check_owned
from ufvideo_sdk.validation.strict_json import (
    Instance,
    Integer,
    Text,
    as_exact_object,
    check_fields,
    field_names,
    inside,
    parse_json,
    plain,
)

SUFFIX = ".timing"
_VERSION = 1
_MAX_RECORD_BYTES = 1 << 16
_MAX_BYTES = 256 << 20
_LOGGER = logging.getLogger("ufvideo_sdk")


@dataclass(frozen=True)
class TimingKey:
    """What timings are of.

    The layers they belong to, with shapes and types, are in TensorRT's own keys, so that packages
    and precisions share one cache; and they are not of ONNX Runtime, whatever its version.

    Attributes:
        tensorrt: Version of TensorRT.
        device: Name of the GPU.
        compute_capability: Of the GPU, such as "8.7".
    """

    tensorrt: Annotated[str, Text()]
    device: Annotated[str, Text()]
    compute_capability: Annotated[str, Text()]

    def __post_init__(self) -> None:
        check_fields(self)

    @classmethod
    def of_engines(cls, key: EngineKey) -> TimingKey:
        """What the timings of these engines are of."""
        return cls(key.tensorrt, key.device, key.compute_capability)

    @property
    def digest(self) -> str:
        """64 hexadecimal digits that differ wherever anything does."""
        text = json.dumps(plain(self), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class _Record:
    """The first line of a kept file; the timings follow, so that one rename puts both there."""

    record_version: Annotated[int, Integer(_VERSION, _VERSION)]
    key: Annotated[TimingKey, Instance(TimingKey)]
    file: Annotated[FileEntry, Instance(FileEntry)]

    def __post_init__(self) -> None:
        check_fields(self)
        if "/" in self.file.path or not self.file.path.endswith(SUFFIX):
            raise PackageError(f"file.path: expected a name with {SUFFIX}, got {self.file.path}")

    @classmethod
    def from_line(cls, line: bytes) -> _Record:
        value: dict[str, Any] = as_exact_object(parse_json(line.decode()), field_names(cls))
        with inside("key"):
            value["key"] = TimingKey(**as_exact_object(value["key"], field_names(TimingKey)))
        with inside("file"):
            value["file"] = FileEntry(**as_exact_object(value["file"], field_names(FileEntry)))
        return cls(**value)

    def to_line(self) -> bytes:
        return json.dumps(plain(self), ensure_ascii=True).encode() + b"\n"


class TimingCache:
    """The timings of one TensorRT on one kind of GPU, in one file of the folder of engines."""

    def __init__(self, folder: Path, key: TimingKey) -> None:
        """Name the file; it need not be there.

        Args:
            folder: Of the engines, this user's alone.
            key: What the timings are of.
        """
        self.path = folder / (key.digest + SUFFIX)
        self._key = key

    def copy_into(self, folder: Path) -> None:
        """Put the kept timings into a folder, under the name that TensorRT's provider gave them.

        What is damaged or not this user's is dropped with a warning, and the folder stays empty.

        Raises:
            OSError: When the disk is full.
        """
        try:
            # Not through a link, and without waiting for a pipe's other end.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with os.fdopen(os.open(self.path, flags), "rb") as file:
                record, timings = self._read(file)
        except FileNotFoundError:
            return
        except (PackageError, UnicodeDecodeError, OSError) as error:
            self.drop(str(error))
            return
        (folder / record.file.path).write_bytes(timings)

    def keep(self, folder: Path) -> None:
        """Let the timings of a folder take the place of those that were kept, in one step.

        Of two builders at the same time the later one's stay. A folder without any changes nothing.

        Raises:
            OSError: When the disk is full.
        """
        written = sorted(folder.glob("*" + SUFFIX))
        if len(written) != 1 or not 0 < written[0].stat().st_size <= _MAX_BYTES:
            return
        timings = written[0].read_bytes()
        entry = FileEntry(written[0].name, len(timings), hashlib.sha256(timings).hexdigest())
        # Beside the timings: what a killed builder leaves goes with its draft.
        draft = folder / ".kept"
        with draft.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(_Record(_VERSION, self._key, entry).to_line() + timings)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)

    def drop(self, why: str) -> None:
        """Forget the timings with a warning; the next build measures anew."""
        try:
            self.path.unlink()
        except FileNotFoundError:
            return
        except OSError as error:
            why += f" (and it cannot be removed: {error.strerror})"
        _LOGGER.warning("dropped TensorRT's kept timings at %s: %s", self.path, why)

    def _read(self, file: BinaryIO) -> tuple[_Record, bytes]:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise PackageError("expected a file, got something else")
        check_owned(self.path, status)
        record = _Record.from_line(file.readline(_MAX_RECORD_BYTES))
        if record.key != self._key:
            raise PackageError(f"expected timings of {self._key}, got those of {record.key}")
        size = record.file.size_bytes
        left = status.st_size - file.tell()
        if left != size or size > _MAX_BYTES:
            raise PackageError(f"expected {size} bytes, {_MAX_BYTES} at most, got {left}")
        timings = file.read(size)
        digest = hashlib.sha256(timings).hexdigest()
        if digest != record.file.sha256:
            raise PackageError(f"expected SHA-256 {record.file.sha256}, got {digest}")
        return record, timings
