"""Read and write `manifest.json`, everything a runtime must know about a package.

The format is described in docs/package_format.md. Standard library only: the exporter imports this.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from ufvideo_sdk.errors import PackageError, PackageVersionError
from ufvideo_sdk.package.graph_signatures import check_borders, stage_borders
from ufvideo_sdk.package.manifest_fields import (
    DTYPES,
    MAX_DIMENSIONS,
    MAX_LAYERS,
    MAX_TENSORS,
    MAX_TEXT_BYTES,
    MAX_VOCABULARY,
    PRECISIONS,
    SEG_HIDDEN_STATES,
    STAGE_STEMS,
    FileEntry,
    ModelFacts,
    StageEntry,
    StageVerification,
    TensorSpec,
    TokenFacts,
    VideoFacts,
)
from ufvideo_sdk.validation.paths import is_file, is_folder, unreadable
from ufvideo_sdk.validation.paths import shown as shown_path
from ufvideo_sdk.validation.strict_json import (
    Each,
    FieldError,
    Instance,
    Text,
    as_exact_object,
    as_list,
    as_object,
    check_fields,
    field_names,
    inside,
    parse_json,
    plain,
    shown,
)

__all__ = [
    "DTYPES",
    "FORMAT_VERSION",
    "MANIFEST_NAME",
    "MAX_DIMENSIONS",
    "MAX_FILES",
    "MAX_LAYERS",
    "MAX_MANIFEST_BYTES",
    "MAX_PROVENANCE",
    "MAX_TENSORS",
    "MAX_VOCABULARY",
    "PRECISIONS",
    "SEG_HIDDEN_STATES",
    "STAGE_STEMS",
    "FileEntry",
    "Manifest",
    "ModelFacts",
    "StageEntry",
    "StageVerification",
    "TensorSpec",
    "TokenFacts",
    "VideoFacts",
    "read_manifest",
    "stage_borders",
]

FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json"

MAX_MANIFEST_BYTES = 1 << 20
MAX_FILES = 64
MAX_PROVENANCE = 64


@dataclass(frozen=True)
class Manifest:
    """Everything a runtime must know about a package."""

    format_version: int
    model: Annotated[ModelFacts, Instance(ModelFacts)]
    video: Annotated[VideoFacts, Instance(VideoFacts)]
    tokens: Annotated[TokenFacts, Instance(TokenFacts)]
    stages: Mapping[str, StageEntry]
    files: Annotated[tuple[FileEntry, ...], Each(Instance(FileEntry), 0, MAX_FILES)]
    provenance: Mapping[str, str]
    verification: Mapping[str, StageVerification]

    def __post_init__(self) -> None:
        _check_version(self.format_version)
        check_fields(self)
        _check_stage_map("stages", self.stages, StageEntry)
        _check_stage_map("verification", self.verification, StageVerification)
        with inside("tokens"):
            self.tokens.check_vocabulary(self.model.vocab_size)
        bound = MAX_TENSORS + 2 * self.model.num_layers
        for stem, stage in self.stages.items():
            for key, tensors in (("inputs", stage.inputs), ("outputs", stage.outputs)):
                if len(tensors) > bound:
                    raise FieldError(
                        f"stages.{stem}.{key}", f"expected at most {bound}, got {len(tensors)}"
                    )
        for index, file in enumerate(self.files):
            with inside(f"files[{index}]"):
                file.check_size(MAX_TEXT_BYTES)
        _check_provenance(self.provenance)
        check_borders(self.model, self.video, self.stages)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Parse and check the text of a manifest.

        Raises:
            PackageVersionError: When this runtime does not read its format version.
            PackageError: Naming the key that is wrong by its full path.
        """
        value = as_object(parse_json(text))
        # The version comes first: a later format may have other keys, and that is its real problem.
        if "format_version" in value:
            _check_version(value["format_version"])
        value = as_exact_object(value, field_names(cls))
        bound = MAX_TENSORS + 2 * MAX_LAYERS
        return cls(
            format_version=value["format_version"],
            model=_read(ModelFacts, value["model"], "model"),
            video=_read(VideoFacts, value["video"], "video"),
            tokens=_read(TokenFacts, value["tokens"], "tokens"),
            stages={
                stem: _read_stage(entry, f"stages.{stem}", bound)
                for stem, entry in _read_stage_map("stages", value["stages"]).items()
            },
            files=tuple(
                _read(FileEntry, entry, f"files[{index}]")
                for index, entry in enumerate(_read_list(value["files"], "files", MAX_FILES))
            ),
            provenance=_read_object("provenance", value["provenance"]),
            verification={
                stem: _read(StageVerification, entry, f"verification.{stem}")
                for stem, entry in _read_stage_map("verification", value["verification"]).items()
            },
        )

    def to_json(self) -> str:
        """The text of manifest.json: keys in the order of the format, 2 spaces, a final newline."""
        value = plain(self)
        for key in ("stages", "verification"):
            value[key] = {stem: value[key][stem] for stem in STAGE_STEMS}
        value["provenance"] = dict(sorted(value["provenance"].items()))
        return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


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
        raise PackageError(
            f"expected a package with a {MANIFEST_NAME}, found no file {shown_path(path)}"
        )
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    if len(raw) > MAX_MANIFEST_BYTES:
        raise PackageError(f"{path}: expected at most {MAX_MANIFEST_BYTES} bytes, got more")
    try:
        return Manifest.from_json(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise PackageError(f"{path}: expected JSON in UTF-8: {error}") from None
    except PackageVersionError as error:
        raise PackageVersionError(f"{path}: {error}") from None
    except PackageError as error:
        raise PackageError(f"{path}: {error}") from None


def _check_version(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise FieldError("format_version", f"expected an integer, got {shown(value)}")
    if value != FORMAT_VERSION:
        raise PackageVersionError(
            f"format_version: expected {FORMAT_VERSION}, the one this runtime reads, got"
            f" {shown(value)}; export the checkpoint again with this version, or update ufvideo-sdk"
        )


def _check_stage_map(key: str, value: object, item: type) -> None:
    with inside(key):
        if not isinstance(value, Mapping):
            raise FieldError("", f"expected an object, got {shown(value)}")
        for stem, entry in as_exact_object(dict(value), STAGE_STEMS).items():
            with inside(stem):
                Instance(item).check(entry)


def _check_provenance(value: object) -> None:
    with inside("provenance"):
        if not isinstance(value, Mapping):
            raise FieldError("", f"expected an object, got {shown(value)}")
        if len(value) > MAX_PROVENANCE:
            raise FieldError("", f"expected at most {MAX_PROVENANCE} entries, got {len(value)}")
        for key, text in value.items():
            Text().check(key)
            with inside(key):
                Text(min_length=0).check(text)


def _read(cls: type[Any], value: object, path: str) -> Any:
    """Build one flat dataclass; lists become tuples, everything else stays as it came."""
    with inside(path):
        fields = as_exact_object(value, field_names(cls))
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})


def _read_stage(value: object, path: str, max_tensors: int) -> StageEntry:
    with inside(path):
        fields = as_exact_object(value, field_names(StageEntry))
        weights = fields["weights"]
        tensors = {
            key: tuple(
                _read(TensorSpec, item, f"{key}[{index}]")
                for index, item in enumerate(_read_list(fields[key], key, max_tensors))
            )
            for key in ("inputs", "outputs")
        }
        return StageEntry(
            graph=_read(FileEntry, fields["graph"], "graph"),
            weights=None if weights is None else _read(FileEntry, weights, "weights"),
            precision=fields["precision"],
            inputs=tensors["inputs"],
            outputs=tensors["outputs"],
        )


def _read_list(value: object, key: str, max_count: int) -> list[Any]:
    with inside(key):
        return as_list(value, max_count)


def _read_object(key: str, value: object) -> dict[str, Any]:
    with inside(key):
        return as_object(value)


def _read_stage_map(key: str, value: object) -> dict[str, Any]:
    with inside(key):
        return as_exact_object(value, STAGE_STEMS)
