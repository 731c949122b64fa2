"""The parts of `manifest.json`, each of which the native reader checks as it is made."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

from ufvideo_sdk import _native
from ufvideo_sdk.errors import PackageError
from ufvideo_sdk.validation.strict_json import FieldError, inside, shown

CAPABILITY_STAGES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {capability.name: tuple(capability.stages) for capability in _native.all_capabilities()}
)
"""Stems of the stages that each capability of a package needs, in the order of the pipeline."""
ALL_STEMS = tuple(stem for stems in CAPABILITY_STAGES.values() for stem in stems)
"""Stems of the stages of every capability, in the order of the pipeline."""
VERSION_1_CAPABILITIES = ("ask", "segment")
"""What every package of format version 1 can do."""
STAGE_STEMS = tuple(stem for name in VERSION_1_CAPABILITIES for stem in CAPABILITY_STAGES[name])
"""Stems of the stages of a package that can ask and segment, in the order of the pipeline."""
PRECISIONS = tuple(_native.precisions())
SEG_HIDDEN_STATES = tuple(_native.seg_hidden_states())

Part = TypeVar("Part")


class ManifestPart:
    """A part of a manifest; making one checks it.

    Raises:
        FieldError: Naming the key, the value and what is allowed.
    """

    def __post_init__(self) -> None:
        """Check every field, as the native reader does."""
        try:
            _native.check_manifest_part(type(self).__name__, as_json(as_plain(self)))
        except PackageError as error:
            raise FieldError("", str(error)) from None


@dataclass(frozen=True)
class ModelConfig(ManifestPart):
    """Sizes of the network, as the exporter read them from the checkpoint."""

    name: str
    architecture: str
    hidden_size: int
    num_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    vocab_size: int
    max_position_embeddings: int
    vision_hidden_size: int
    max_region_tokens: int
    seg_hidden_state: str


@dataclass(frozen=True)
class VideoConfig(ManifestPart):
    """How video enters: frames sampled, sizes of the two square inputs, tokens that come out."""

    num_frames: int
    vision_size_px: int
    patch_grid: int
    aligner_padding: int
    mask_size_px: int
    mask_logits_size_px: int


@dataclass(frozen=True)
class TokenConfig(ManifestPart):
    """Token ids the runtime must recognise. Placeholders are negative, all others are tokens."""

    end_ids: tuple[int, ...]
    video_placeholder_id: int
    image_placeholder_id: int
    region_id: int
    time_first_id: int
    num_time_tokens: int
    seg_id: int


@dataclass(frozen=True)
class TrackingConfig(ManifestPart):
    """Sizes of SAM 2's memory: its frames and object pointers at most, and its channels."""

    num_memories: int
    max_object_pointers: int
    memory_width: int


@dataclass(frozen=True)
class TensorSpec(ManifestPart):
    """One graph input or output: a dimension is a number or a symbol."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class FileEntry(ManifestPart):
    """Size and digest of a file inside the package."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class StageVerification(ManifestPart):
    """What the exporter measured for a stage, and what it allows."""

    tolerance_abs: float
    tolerance_rel: float
    max_abs_error: float
    max_rel_error: float


@dataclass(frozen=True)
class StageVariant(ManifestPart):
    """Another graph of a stage, of the same signature, for one execution provider."""

    graph: FileEntry
    weights: FileEntry | None
    precision: str
    verification: StageVerification


@dataclass(frozen=True)
class StageEntry(ManifestPart):
    """One graph of the pipeline; `variants` are by execution provider, since format version 2."""

    graph: FileEntry
    weights: FileEntry | None
    precision: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    variants: Mapping[str, StageVariant] = field(default_factory=dict)


def made(kind: type[Part], **fields: Any) -> Part:
    """Make a frozen dataclass of values that were checked already, without checking them again."""
    part = object.__new__(kind)
    part.__dict__.update(fields)
    return part


def as_plain(value: Any) -> Any:
    """A dataclass and all it holds as dicts, lists and scalars, in the order of the fields.

    Raises:
        FieldError: Where something else stands; a list, which may change, is such.
    """
    if dataclasses.is_dataclass(value):
        return {each.name: _plain_under(each.name, value) for each in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [as_plain(item) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: as_plain(item) for key, item in value.items()}
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise FieldError(
        "", f"expected texts, numbers, tuples and mappings of them by text, got {shown(value)}"
    )


def as_json(value: Any, indent: int | None = None) -> str:
    """The text of plain values, in ASCII unless it is to be read (`indent`).

    Raises:
        FieldError: When it holds a number that JSON has not.
    """
    try:
        return json.dumps(value, indent=indent, ensure_ascii=indent is None, allow_nan=False)
    except ValueError as error:
        raise FieldError("", f"expected finite numbers of a readable size, got: {error}") from None


def _plain_under(name: str, owner: Any) -> Any:
    with inside(name):
        return as_plain(getattr(owner, name))
