"""Expected inputs and outputs of each graph, derived from the model's sizes by the native reader.

The runtime copies by these sizes: a package whose graphs agree with its manifest while the manifest
disagrees with itself must be refused before anything runs.
"""

from __future__ import annotations

from ufvideo_sdk import _native
from ufvideo_sdk.package.manifest_fields import (
    ALL_STEMS,
    ModelConfig,
    StageEntry,
    TensorSpec,
    TrackingConfig,
    VideoConfig,
    as_json,
    as_plain,
    made,
)

Tensors = tuple[TensorSpec, ...]
Signature = tuple[Tensors, Tensors]


def graph_signatures(
    model: ModelConfig,
    video: VideoConfig,
    *,
    mask_width: int,
    cache_dtype: str,
    tracking: TrackingConfig | None = None,
) -> dict[str, Signature]:
    """Inputs and outputs of every graph, by stem in the order of the pipeline.

    Args:
        model: Sizes of the network.
        video: Sizes of what enters.
        mask_width: Channels of SAM 2's features.
        cache_dtype: Of the language model's KV cache, "float32" or "float16".
        tracking: Sizes of SAM 2's memory; None: without the stages of tracking.
    """
    signatures = _native.graph_signatures(
        as_json(as_plain(model)),
        as_json(as_plain(video)),
        None if tracking is None else as_json(as_plain(tracking)),
        mask_width,
        cache_dtype,
    )
    return {
        stem: (_tensors(signatures[stem].inputs), _tensors(signatures[stem].outputs))
        for stem in ALL_STEMS
        if stem in signatures
    }


def cache_dtype(language_model: StageEntry) -> str:
    """Dtype of the KV cache of a manifest's language model, "float32" or "float16"."""
    return next(
        tensor.dtype for tensor in language_model.inputs if tensor.name == "past_key_values.0.key"
    )


def _tensors(tensors: list[_native.TensorSpec]) -> Tensors:
    return tuple(
        made(TensorSpec, name=each.name, dtype=each.dtype, shape=tuple(each.shape))
        for each in tensors
    )
