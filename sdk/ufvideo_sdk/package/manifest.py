"""Read and write `manifest.json`, everything a runtime must know about a package.

The format is described in docs/package_format.md, and checked by the native reader alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ufvideo_sdk import _native
from ufvideo_sdk.errors import PackageError
from ufvideo_sdk.package.file_names import MANIFEST_NAME
from ufvideo_sdk.package.graph_signatures import graph_signatures
from ufvideo_sdk.package.manifest_fields import (
    ALL_STEMS,
    CAPABILITY_STAGES,
    PRECISIONS,
    SEG_HIDDEN_STATES,
    STAGE_STEMS,
    VERSION_1_CAPABILITIES,
    FileEntry,
    ModelConfig,
    StageEntry,
    StageVariant,
    StageVerification,
    TensorSpec,
    TokenConfig,
    TrackingConfig,
    VideoConfig,
    as_json,
    as_plain,
    made,
)
from ufvideo_sdk.package.no_package import no_manifest
from ufvideo_sdk.validation.paths import is_file, is_folder, unreadable
from ufvideo_sdk.validation.paths import shown as shown_path

__all__ = [
    "ALL_STEMS",
    "CAPABILITY_STAGES",
    "FORMAT_VERSION",
    "LATEST_FORMAT_VERSION",
    "PRECISIONS",
    "SEG_HIDDEN_STATES",
    "STAGE_STEMS",
    "FileEntry",
    "Manifest",
    "ModelConfig",
    "StageEntry",
    "StageVariant",
    "StageVerification",
    "TensorSpec",
    "TokenConfig",
    "TrackingConfig",
    "VideoConfig",
    "graph_signatures",
    "read_manifest",
]

FORMAT_VERSION = 1
"""The format version of packages that ask and segment."""
LATEST_FORMAT_VERSION = _native.PACKAGE_FORMAT_VERSION
"""The newest format version, which packages of other capabilities have."""

# Keys that format version 2 added, and what they are in version 1.
_NEW_KEYS = {"capabilities": list(VERSION_1_CAPABILITIES), "tracking": None}


@dataclass(frozen=True)
class Manifest:
    """Everything a runtime must know about a package.

    Raises:
        PackageVersionError: When this runtime does not read its format version.
        PackageError: Naming the key that is wrong by its full path.
    """

    format_version: int
    model: ModelConfig
    video: VideoConfig
    tokens: TokenConfig
    stages: Mapping[str, StageEntry]
    files: tuple[FileEntry, ...]
    provenance: Mapping[str, str]
    verification: Mapping[str, StageVerification]
    capabilities: tuple[str, ...] = VERSION_1_CAPABILITIES
    tracking: TrackingConfig | None = None

    def __post_init__(self) -> None:
        """Check all of it, as the native reader does."""
        self.to_native()

    @classmethod
    def from_json(cls, text: str | bytes, source: str | os.PathLike[str] = "") -> Manifest:
        """Parse and check the text of a manifest.

        Args:
            text: JSON; bytes are UTF-8.
            source: Names it in messages; empty: nothing does.

        Raises:
            PackageVersionError: When this runtime does not read its format version.
            PackageError: Naming the key that is wrong by its full path.
        """
        # A lone surrogate becomes invalid UTF-8, which the native reader refuses.
        raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        _native.Manifest(raw, os.fsencode(source))
        value = _parsed(raw, source)
        return made(
            cls,
            format_version=value["format_version"],
            model=made(ModelConfig, **value["model"]),
            video=made(VideoConfig, **value["video"]),
            tokens=made(
                TokenConfig, **{**value["tokens"], "end_ids": tuple(value["tokens"]["end_ids"])}
            ),
            stages=_by_stem(value["stages"], _stage),
            files=tuple(made(FileEntry, **file) for file in value["files"]),
            provenance=value["provenance"],
            verification=_by_stem(value["verification"], _verification),
            capabilities=tuple(value.get("capabilities", cls.capabilities)),
            tracking=_optional(TrackingConfig, value.get("tracking")),
        )

    def to_json(self) -> str:
        """The text of manifest.json: keys in the order of the format, 2 spaces, a final newline.

        Raises:
            FieldError: When a value is none that JSON has.
        """
        value = as_plain(self)
        for key in ("stages", "verification"):
            value[key] = _by_stem(value[key], lambda entry: entry)
        value["provenance"] = dict(sorted(value["provenance"].items()))
        if self.format_version == 1:
            # What version 1 cannot say stays, for the reader to refuse.
            for key, meaning in _NEW_KEYS.items():
                if value[key] == meaning:
                    del value[key]
            for stage in value["stages"].values():
                if not stage["variants"]:
                    del stage["variants"]
        return as_json(value, indent=2) + "\n"

    def to_native(self) -> _native.Manifest:
        """The same for the native runtime.

        Raises:
            PackageVersionError: When this runtime does not read its format version.
            PackageError: Naming the key that is wrong by its full path.
        """
        return _native.Manifest(self.to_json().encode("utf-8", "surrogatepass"))


def read_manifest(path: Path | str) -> Manifest:
    """Read and check a manifest file (or the one in a package folder).

    Raises:
        PackageVersionError: When this runtime does not read its format version.
        PackageError: Naming the file and what is wrong with it.
        CapacityError: When no file descriptor is left to read it with.
    """
    path = Path(path)
    if is_folder(path):
        path = path / MANIFEST_NAME
    if not is_file(path):
        raise no_manifest(path)
    try:
        with path.open("rb") as file:
            raw = file.read(_native.MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    return Manifest.from_json(raw, path)


def listed_files(manifest: Manifest) -> Iterator[FileEntry]:
    """Every file of a package but the manifest itself, each once."""
    for stage in manifest.stages.values():
        # A variant of the stage's own files says what takes them.
        others = (each for each in stage.variants.values() if each.graph != stage.graph)
        graphs: list[StageEntry | StageVariant] = [stage, *others]
        for each in graphs:
            yield each.graph
            if each.weights is not None:
                yield each.weights
    yield from manifest.files


def _parsed(raw: bytes, source: str | os.PathLike[str]) -> dict[str, Any]:
    """Parse JSON that the native reader accepted. Python's parser may still refuse it."""
    try:
        value: dict[str, Any] = json.loads(raw)
    except ValueError as error:
        where = f"{shown_path(Path(source))}: " if source else ""
        raise PackageError(f"{where}expected JSON, got: {error}") from None
    return value


def _by_stem(entries: Mapping[str, Any], read: Any) -> dict[str, Any]:
    """What `read` makes of each entry, in the order of the pipeline, unknown stems last."""
    known = [stem for stem in ALL_STEMS if stem in entries]
    return {stem: read(entries[stem]) for stem in (*known, *sorted(entries.keys() - set(known)))}


def _stage(value: dict[str, Any]) -> StageEntry:
    return made(
        StageEntry,
        graph=made(FileEntry, **value["graph"]),
        weights=_optional(FileEntry, value["weights"]),
        precision=value["precision"],
        inputs=tuple(map(_tensor, value["inputs"])),
        outputs=tuple(map(_tensor, value["outputs"])),
        variants={name: _variant(each) for name, each in value.get("variants", {}).items()},
    )


def _tensor(value: dict[str, Any]) -> TensorSpec:
    return made(TensorSpec, name=value["name"], dtype=value["dtype"], shape=tuple(value["shape"]))


def _variant(value: dict[str, Any]) -> StageVariant:
    return made(
        StageVariant,
        graph=made(FileEntry, **value["graph"]),
        weights=_optional(FileEntry, value["weights"]),
        precision=value["precision"],
        verification=_verification(value["verification"]),
    )


def _verification(value: dict[str, Any]) -> StageVerification:
    return made(StageVerification, **value)


def _optional(kind: type[Any], value: dict[str, Any] | None) -> Any:
    return None if value is None else made(kind, **value)
