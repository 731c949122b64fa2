"""What each graph takes and gives, and how far it may be from PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

from ufvideo_export.checkpoint import Checkpoint
from ufvideo_sdk.manifest import TensorSpec

# What ONNX Runtime 1.21 reads; 20 is the first with Gelu, whose parts took a ninth of SigLIP.
OPSET = 20
IR_VERSION = 10
# A graph with more weights than this keeps them in a file of their own.
INLINE_WEIGHTS_BYTES = 64 << 20


@dataclass(frozen=True)
class Tolerance:
    """Bounds on the largest error, absolute and over the reference's largest value."""

    max_abs: float
    max_rel: float


# fp16 keeps 11 bits: over several models, graphs measured 2e-5 to 2e-3 of the largest value. An
# absolute bound says nothing about a half-precision number of unknown size, so that one only stops
# results that have run away.
TOLERANCES = {
    "fp32": Tolerance(max_abs=1e-3, max_rel=1e-4),
    "fp16": Tolerance(max_abs=16.0, max_rel=2e-2),
}


@dataclass(frozen=True)
class StageSpec:
    """The border of one graph."""

    stem: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def stage_specs(checkpoint: Checkpoint, precision: str) -> dict[str, StageSpec]:
    """The border of every graph, in pipeline order (docs/package_format.md, "Graphs")."""
    specs = (
        *_feature_specs(checkpoint),
        _language_model_spec(checkpoint, precision),
        *_mask_specs(checkpoint),
    )
    return {spec.stem: spec for spec in specs}


def _tensor(name: str, shape: tuple[int | str, ...], dtype: str = "float32") -> TensorSpec:
    return TensorSpec(name=name, dtype=dtype, shape=shape)


def _feature_specs(checkpoint: Checkpoint) -> tuple[StageSpec, ...]:
    width, siglip = checkpoint.sizes.hidden_size, checkpoint.siglip
    side = siglip.image_size_px
    features = _tensor("features", ("T", siglip.patch_grid**2, siglip.hidden_size))
    return (
        StageSpec(
            "vision_encoder", (_tensor("frames", ("T", side, side, 3), "uint8"),), (features,)
        ),
        StageSpec("aligner", (features,), (_tensor("video_tokens", ("N", width)),)),
        StageSpec(
            "region_encoder",
            (_tensor("pooled_features", ("R", siglip.hidden_size)),),
            (_tensor("region_tokens", ("R", width)),),
        ),
        StageSpec(
            "token_embedder",
            (_tensor("token_ids", ("S",), "int64"),),
            (_tensor("embeddings", ("S", width)),),
        ),
    )


def _language_model_spec(checkpoint: Checkpoint, precision: str) -> StageSpec:
    sizes = checkpoint.sizes
    shape = ("B", sizes.num_key_value_heads, "C", sizes.head_dim)
    dtype = "float16" if precision == "fp16" else "float32"

    def cache(prefix: str) -> tuple[TensorSpec, ...]:
        return tuple(
            _tensor(f"{prefix}.{layer}.{part}", shape, dtype)
            for layer in range(sizes.num_layers)
            for part in ("key", "value")
        )

    return StageSpec(
        "language_model",
        (
            _tensor("inputs_embeds", ("B", "S", sizes.hidden_size)),
            _tensor("seqlens_k", ("B",), "int32"),
            _tensor("total_sequence_length", (1,), "int32"),
            *cache("past_key_values"),
        ),
        (
            _tensor("logits", ("B", 1, sizes.vocab_size)),
            _tensor("hidden_states", ("B", "S", sizes.hidden_size)),
            *cache("present"),
        ),
    )


def _mask_specs(checkpoint: Checkpoint) -> tuple[StageSpec, ...]:
    side, grid = checkpoint.sam2.image_size_px, checkpoint.sam2.feature_grid
    width = checkpoint.sizes.sam_out_dim

    def maps(num_frames: int | str) -> tuple[TensorSpec, ...]:
        return (
            _tensor("image_features", (num_frames, width, grid, grid)),
            _tensor("high_res_features_0", (num_frames, width // 8, 4 * grid, 4 * grid)),
            _tensor("high_res_features_1", (num_frames, width // 4, 2 * grid, 2 * grid)),
        )

    return (
        StageSpec("mask_encoder", (_tensor("frames", ("F", side, side, 3), "uint8"),), maps("F")),
        StageSpec(
            "mask_decoder",
            (_tensor("hidden_states", ("O", checkpoint.sizes.hidden_size)), *maps(1)),
            (
                _tensor("mask_logits", ("O", 4 * grid, 4 * grid)),
                _tensor("iou_scores", ("O", 3)),
                _tensor("object_scores", ("O", 1)),
                _tensor("object_pointers", ("O", width)),
            ),
        ),
    )
