"""The parts of `manifest.json`: facts, files and stages, each of which checks itself.

Standard library only: the exporter imports this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ufvideo_sdk.validation.strict_json import (
    INT64_MAX,
    Each,
    FieldError,
    Instance,
    Integer,
    Number,
    OneOf,
    RelativePath,
    Sha256,
    Text,
    check_fields,
    inside,
    shown,
)

STAGE_STEMS = (
    "vision_encoder",
    "aligner",
    "region_encoder",
    "token_embedder",
    "language_model",
    "mask_encoder",
    "mask_decoder",
)
PRECISIONS = ("fp32", "fp16", "int8", "int4")
SEG_HIDDEN_STATES = ("preceding", "predicting")
DTYPES = ("uint8", "bool", "int32", "int64", "float16", "float32")

MAX_LAYERS = 1024
MAX_TENSORS = 64
# Weights apart, which are mapped, files are read as a whole: graphs and texts.
MAX_GRAPH_BYTES = 256 << 20
MAX_TEXT_BYTES = 64 << 20
MAX_DIMENSIONS = 8
MAX_VOCABULARY = 4194304
MAX_WIDTH = 65536


@dataclass(frozen=True)
class ModelFacts:
    """Sizes of the network, as the exporter read them from the checkpoint."""

    name: Annotated[str, Text()]
    architecture: Annotated[str, Text()]
    hidden_size: Annotated[int, Integer(1, MAX_WIDTH)]
    num_layers: Annotated[int, Integer(1, MAX_LAYERS)]
    num_attention_heads: Annotated[int, Integer(1, 1024)]
    num_key_value_heads: Annotated[int, Integer(1, 1024)]
    head_dim: Annotated[int, Integer(1, 1024)]
    vocab_size: Annotated[int, Integer(1, MAX_VOCABULARY)]
    max_position_embeddings: Annotated[int, Integer(1, 16777216)]
    vision_hidden_size: Annotated[int, Integer(1, MAX_WIDTH)]
    max_region_tokens: Annotated[int, Integer(1, 64)]
    seg_hidden_state: Annotated[str, OneOf(SEG_HIDDEN_STATES)]

    def __post_init__(self) -> None:
        check_fields(self)
        if self.num_attention_heads % self.num_key_value_heads:
            raise FieldError(
                "num_attention_heads",
                f"expected a multiple of num_key_value_heads ({self.num_key_value_heads}),"
                f" got {self.num_attention_heads}",
            )


@dataclass(frozen=True)
class VideoFacts:
    """How video enters: frames sampled, sizes of the two square inputs, tokens that come out."""

    num_frames: Annotated[int, Integer(2, 4096)]
    vision_size_px: Annotated[int, Integer(1, 8192)]
    patch_grid: Annotated[int, Integer(1, 1024)]
    aligner_padding: Annotated[int, Integer(0, 1)]
    mask_size_px: Annotated[int, Integer(1, 8192)]
    mask_logits_size_px: Annotated[int, Integer(4, 8192)]

    def __post_init__(self) -> None:
        check_fields(self)
        if self.aligner_padding == 0 and self.patch_grid < 2:
            raise FieldError(
                "patch_grid",
                f"expected 2 or more with aligner_padding 0 (fewer patches give no video token),"
                f" got {self.patch_grid}",
            )
        if self.mask_logits_size_px % 4:
            raise FieldError(
                "mask_logits_size_px",
                f"expected a multiple of 4 (its features are a quarter), got"
                f" {self.mask_logits_size_px}",
            )


@dataclass(frozen=True)
class TokenFacts:
    """Token ids the runtime must recognise. Placeholders are negative, all others are tokens."""

    end_ids: Annotated[tuple[int, ...], Each(Integer(0), 1, 16)]
    video_placeholder_id: Annotated[int, Integer(-INT64_MAX - 1, -1)]
    image_placeholder_id: Annotated[int, Integer(-INT64_MAX - 1, -1)]
    region_id: Annotated[int, Integer(0)]
    time_first_id: Annotated[int, Integer(0)]
    num_time_tokens: Annotated[int, Integer(2, 10000)]
    seg_id: Annotated[int, Integer(0)]

    def __post_init__(self) -> None:
        check_fields(self)
        if self.image_placeholder_id == self.video_placeholder_id:
            raise FieldError(
                "image_placeholder_id",
                f"expected another id than video_placeholder_id, got {self.image_placeholder_id}",
            )

    def check_vocabulary(self, vocab_size: int) -> None:
        """Check that every token lies inside the vocabulary and means one thing.

        Raises:
            FieldError: Naming the first that does not.
        """
        ids = [(f"end_ids[{index}]", token_id) for index, token_id in enumerate(self.end_ids)]
        ids += [("region_id", self.region_id), ("seg_id", self.seg_id)]
        ids.append(("time_first_id", self.time_first_id + self.num_time_tokens - 1))
        for key, token_id in ids:
            if token_id >= vocab_size:
                raise FieldError(key, f"expected ids below {vocab_size}, got {token_id}")
        self._check_apart()

    def _check_apart(self) -> None:
        claims = [(f"end_ids[{index}]", token_id, 1) for index, token_id in enumerate(self.end_ids)]
        claims += [
            ("region_id", self.region_id, 1),
            ("time_first_id", self.time_first_id, self.num_time_tokens),
            ("seg_id", self.seg_id, 1),
        ]
        for index, (key, first, count) in enumerate(claims):
            for other, other_first, other_count in claims[:index]:
                if first < other_first + other_count and other_first < first + count:
                    more = " and those after it" if count > 1 else ""
                    raise FieldError(
                        key, f"expected ids of its own, got {first}{more}, which {other} has"
                    )


@dataclass(frozen=True)
class _Dimension:
    """Rule for one dimension: a positive integer or a symbol."""

    def check(self, value: object) -> None:
        try:
            (Text() if isinstance(value, str) else Integer(1)).check(value)
        except FieldError:
            raise FieldError(
                "", f"expected a positive integer or a symbol, got {shown(value)}"
            ) from None


@dataclass(frozen=True)
class TensorSpec:
    """One graph input or output: a dimension is a number or a symbol."""

    name: Annotated[str, Text()]
    dtype: Annotated[str, OneOf(DTYPES)]
    shape: Annotated[tuple[int | str, ...], Each(_Dimension(), 0, MAX_DIMENSIONS)]

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class FileEntry:
    """Size and digest of a file inside the package."""

    path: Annotated[str, RelativePath()]
    size_bytes: Annotated[int, Integer(1)]
    sha256: Annotated[str, Sha256()]

    def __post_init__(self) -> None:
        check_fields(self)

    def check_size(self, max_bytes: int) -> None:
        """Check that what is read as a whole is not too large for that.

        Raises:
            FieldError: Naming the bound.
        """
        with inside("size_bytes"):
            Integer(1, max_bytes).check(self.size_bytes)


_TENSORS = Each(Instance(TensorSpec), 1, MAX_TENSORS + 2 * MAX_LAYERS)


@dataclass(frozen=True)
class StageEntry:
    """One graph of the pipeline."""

    graph: Annotated[FileEntry, Instance(FileEntry)]
    weights: Annotated[FileEntry | None, Instance(FileEntry, optional=True)]
    precision: Annotated[str, OneOf(PRECISIONS)]
    inputs: Annotated[tuple[TensorSpec, ...], _TENSORS]
    outputs: Annotated[tuple[TensorSpec, ...], _TENSORS]

    def __post_init__(self) -> None:
        check_fields(self)
        with inside("graph"):
            self.graph.check_size(MAX_GRAPH_BYTES)


@dataclass(frozen=True)
class StageVerification:
    """What the exporter measured for a stage, and what it allows."""

    tolerance_abs: Annotated[float, Number()]
    tolerance_rel: Annotated[float, Number()]
    max_abs_error: Annotated[float, Number()]
    max_rel_error: Annotated[float, Number()]

    def __post_init__(self) -> None:
        check_fields(self)
