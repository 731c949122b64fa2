"""The small part of a session file, and the sizes that follow from it (docs/session_format.md)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from ufvideo_sdk.package.graph_signatures import cache_dtype
from ufvideo_sdk.package.manifest import Manifest
from ufvideo_sdk.validation.strict_json import (
    INT64_MAX,
    Boolean,
    Each,
    FieldError,
    Integer,
    OneOf,
    Sha256,
    Text,
    as_exact_object,
    as_list,
    check_fields,
    field_names,
    parse_json,
)

MAX_PREFIX_IDS = 65536
# 12 days at 30 frames a second: their times take 256 MiB.
_MAX_FRAMES = 1 << 25


@dataclass(frozen=True)
class ArrayFacts:
    """One array of the file.

    Attributes:
        dtype: Little-endian dtype.
        shape: Sizes.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def num_bytes(self) -> int:
        """Bytes of the array; a Python integer, which cannot overflow."""
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class SessionFacts:
    """The facts of a saved session, JSON in its file.

    Attributes:
        manifest_sha256: Digest of the package's manifest, which holds those of its files.
        source_name: File name of the source, or what stood for it.
        is_image: Whether it is one picture without a time axis.
        sampling: Which frames of the clip the model looked at, "uniform" or "every".
        height_px: Height of every frame.
        width_px: Width of every frame.
        num_source_frames: Frames of the whole source.
        first_frame_idx: Source index of the clip's first frame.
        num_frames: Frames of the clip.
        num_features: Distinct frames the model looked at.
        num_video_tokens: Video tokens of the clip.
        prefix_ids: Token ids up to the video's placeholder.

    Raises:
        FieldError: Naming the field and what is allowed.
    """

    manifest_sha256: Annotated[str, Sha256()]
    source_name: Annotated[str, Text(0, 4096)]
    is_image: Annotated[bool, Boolean()]
    sampling: Annotated[str, OneOf(("uniform", "every"))]
    height_px: Annotated[int, Integer(1, 65536)]
    width_px: Annotated[int, Integer(1, 65536)]
    num_source_frames: Annotated[int, Integer(1, _MAX_FRAMES)]
    first_frame_idx: Annotated[int, Integer(0, _MAX_FRAMES)]
    num_frames: Annotated[int, Integer(1, _MAX_FRAMES)]
    num_features: Annotated[int, Integer(1, 4096)]
    num_video_tokens: Annotated[int, Integer(1, 1 << 24)]
    prefix_ids: Annotated[
        tuple[int, ...], Each(Integer(-INT64_MAX - 1, INT64_MAX), 1, MAX_PREFIX_IDS)
    ]

    def __post_init__(self) -> None:
        """Check every field."""
        check_fields(self)
        left = self.num_source_frames - self.first_frame_idx
        if self.num_frames > left:
            raise FieldError("num_frames", f"expected at most {left}, got {self.num_frames}")
        if self.is_image and self.num_source_frames != 1:
            raise FieldError(
                "num_source_frames", f"expected 1 for an image, got {self.num_source_frames}"
            )

    @classmethod
    def from_json(cls, text: str, format_version: int) -> SessionFacts:
        """Read the facts.

        Args:
            text: JSON.
            format_version: Of the file, 1 or 2. In version 1 all clips are sampled uniformly.

        Raises:
            FieldError: Naming the key and what is wrong with it.
        """
        names = field_names(cls)
        if format_version == 1:
            names = tuple(name for name in names if name != "sampling")
        found = {"sampling": "uniform", **as_exact_object(parse_json(text), names)}
        ids = as_list(found["prefix_ids"], MAX_PREFIX_IDS)
        return cls(**{**found, "prefix_ids": tuple(ids)})

    def check_bounds(self, manifest: Manifest) -> None:
        """Compare counts with the most that a session of the package has.

        Raises:
            FieldError: Naming the field and what is allowed.
        """
        most = manifest.video.num_frames
        if self.num_features > most:
            raise FieldError("num_features", f"expected at most {most}, got {self.num_features}")
        num_positions = len(self.prefix_ids) - 1 + self.num_video_tokens
        most = manifest.model.max_position_embeddings
        if num_positions > most:
            raise FieldError(
                "num_video_tokens", f"expected at most {most} positions, got {num_positions}"
            )

    def arrays(self, manifest: Manifest) -> dict[str, ArrayFacts]:
        """The arrays of the file in order, by the package's own sizes."""
        model, video = manifest.model, manifest.video
        num_positions = len(self.prefix_ids) - 1 + self.num_video_tokens
        cache = ArrayFacts(
            np.dtype(cache_dtype(manifest.stages["language_model"])).newbyteorder("<"),
            (model.num_layers, model.num_key_value_heads, num_positions, model.head_dim),
        )
        features = (self.num_features, video.patch_grid**2, model.vision_hidden_size)
        return {
            "timestamps_s": ArrayFacts(np.dtype("<f8"), (self.num_source_frames,)),
            "features": ArrayFacts(np.dtype("<f4"), features),
            "video_tokens": ArrayFacts(np.dtype("<f4"), (self.num_video_tokens, model.hidden_size)),
            "keys": cache,
            "values": cache,
        }
