"""What a folder of TensorRT engines was built from, and what it holds, file by file.

TensorRT takes an engine's bytes as code: it checks versions, not harm. So nothing of such a folder
is opened before every byte of it is what its builder wrote, and was built of the same things.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from ufvideo_sdk.atomic_file import flush_to_disk
from ufvideo_sdk.errors import PackageError
from ufvideo_sdk.package.manifest_fields import FileEntry
from ufvideo_sdk.validation.strict_json import (
    Each,
    FieldError,
    Instance,
    Integer,
    Sha256,
    Text,
    as_exact_object,
    as_list,
    as_object,
    check_fields,
    field_names,
    inside,
    parse_json,
    plain,
)

RECORD_NAME = "record.json"
RECORD_VERSION = 1
MAX_RECORD_BYTES = 1 << 20
MAX_FILES = 256
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class EngineKey:
    """All that decides what an engine is; another value of anything is another engine.

    Attributes:
        manifest_sha256: Digest of the package: its manifest's, which holds those of all graphs.
        onnxruntime: Version of ONNX Runtime.
        tensorrt: Version of TensorRT.
        device: Name of the GPU.
        compute_capability: Of the GPU, such as "8.7".
        stages: By stage the provider's options: precision and the range of shapes.
    """

    manifest_sha256: Annotated[str, Sha256()]
    onnxruntime: Annotated[str, Text()]
    tensorrt: Annotated[str, Text()]
    device: Annotated[str, Text()]
    compute_capability: Annotated[str, Text()]
    stages: Mapping[str, Mapping[str, str]]

    def __post_init__(self) -> None:
        check_fields(self)
        for stem, options in self.stages.items():
            with inside(f"stages.{stem}"):
                for name, value in options.items():
                    with inside(name):
                        Text(min_length=0, max_length=1 << 16).check(value)

    @property
    def digest(self) -> str:
        """64 hexadecimal digits that differ wherever anything does."""
        text = json.dumps(plain(self), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class EngineRecord:
    """The file that is written last into a folder of engines."""

    record_version: Annotated[int, Integer(RECORD_VERSION, RECORD_VERSION)]
    key: Annotated[EngineKey, Instance(EngineKey)]
    files: Annotated[tuple[FileEntry, ...], Each(Instance(FileEntry), 1, MAX_FILES)]

    def __post_init__(self) -> None:
        check_fields(self)

    @classmethod
    def from_json(cls, text: str) -> EngineRecord:
        """Parse and check the text of a record.

        Raises:
            PackageError: Naming the key that is wrong.
        """
        value = as_exact_object(parse_json(text), field_names(cls))
        with inside("key"):
            fields = as_exact_object(value["key"], field_names(EngineKey))
            with inside("stages"):
                stages = as_object(fields["stages"])
                fields["stages"] = {stem: as_object(item) for stem, item in stages.items()}
            key = EngineKey(**fields)
        with inside("files"):
            items = as_list(value["files"], MAX_FILES)
            files = tuple(_file_entry(item, index) for index, item in enumerate(items))
        return cls(record_version=value["record_version"], key=key, files=files)

    def to_json(self) -> str:
        """The text of record.json."""
        return json.dumps(plain(self), indent=2, ensure_ascii=False) + "\n"


def _file_entry(value: object, index: int) -> FileEntry:
    with inside(f"[{index}]"):
        fields: dict[str, Any] = as_exact_object(value, field_names(FileEntry))
        return FileEntry(**fields)


def write_record(folder: Path, key: EngineKey) -> EngineRecord:
    """List every file of a folder in its record, with all bytes on the disk before its name is.

    Raises:
        PackageError: When the folder holds no file, or something that is none.
        OSError: When the disk is full.
    """
    _make_private(folder)
    paths = sorted(_files(folder))
    for path in paths:
        flush_to_disk(path)
    files = tuple(
        FileEntry(path.relative_to(folder).as_posix(), path.stat().st_size, _sha256(path))
        for path in paths
    )
    record = EngineRecord(RECORD_VERSION, key, files)
    draft = folder / f".{RECORD_NAME}.draft"
    draft.write_text(record.to_json(), encoding="utf-8")
    draft.chmod(0o600)
    flush_to_disk(draft)
    draft.rename(folder / RECORD_NAME)
    for path in sorted({path.parent for path in paths} | {folder}):
        flush_to_disk(path)
    return record


def check_folder(folder: Path, key: EngineKey) -> EngineRecord:
    """Compare a folder of engines with its record, and the record with what is wanted.

    Raises:
        PackageError: Naming what differs: other files, sizes or bytes than recorded, files of
            another user or that others may write, links, or a record of other engines.
    """
    record = _read_record(folder)
    for field in field_names(EngineKey):
        wanted, found = getattr(key, field), getattr(record.key, field)
        if wanted != found:
            raise PackageError(f"{folder}: expected engines of {field} {wanted}, got {found}")
    listed = {entry.path: entry for entry in record.files}
    found_paths = {path.relative_to(folder).as_posix() for path in _files(folder)}
    found_paths.discard(RECORD_NAME)
    for name in sorted(found_paths ^ set(listed)):
        what = "a file that its record lacks" if name in found_paths else "no file"
        raise PackageError(f"{folder / name}: expected what {RECORD_NAME} lists, found {what}")
    for name, entry in listed.items():
        path = folder / name
        size = path.stat().st_size
        if size != entry.size_bytes:
            raise PackageError(f"{path}: expected {entry.size_bytes} bytes, got {size}")
        digest = _sha256(path)
        if digest != entry.sha256:
            raise PackageError(f"{path}: expected SHA-256 {entry.sha256}, got {digest}")
    return record


def folder_state(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of every file: to see whether anything was written since."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in _files(folder)
    }


def check_owned(path: Path, status: os.stat_result) -> None:
    """Refuse what another user owns or may write.

    Raises:
        PackageError: Naming the path and whose it is.
    """
    if status.st_uid != os.geteuid():
        raise PackageError(f"{path}: expected a file of user {os.geteuid()}, got {status.st_uid}'s")
    if status.st_mode & _WRITABLE_BY_OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        raise PackageError(f"{path}: expected that no other user may write it, got mode {mode:o}")


def _read_record(folder: Path) -> EngineRecord:
    path = folder / RECORD_NAME
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_RECORD_BYTES + 1)
        if len(raw) > MAX_RECORD_BYTES:
            raise PackageError(f"{path}: expected at most {MAX_RECORD_BYTES} bytes, got more")
        return EngineRecord.from_json(raw.decode("utf-8"))
    except OSError as error:
        raise PackageError(f"{path}: expected a record, got: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PackageError(f"{path}: expected JSON in UTF-8: {error}") from None
    except FieldError as error:
        raise PackageError(f"{path}: {error}") from None


def _files(folder: Path) -> Iterator[Path]:
    """Every file below a folder; a link or anything else is refused."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise PackageError(f"{folder}: expected a folder, got something else")
    check_owned(folder, status)
    for path in folder.iterdir():
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode):
            yield from _files(path)
        elif stat.S_ISREG(status.st_mode):
            check_owned(path, status)
            yield path
        else:
            raise PackageError(f"{path}: expected a file or a folder, got something else")


def _make_private(folder: Path) -> None:
    """Take others' rights away from what ONNX Runtime wrote, which heeds the umask alone."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o700 if path.is_dir() else 0o600)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
