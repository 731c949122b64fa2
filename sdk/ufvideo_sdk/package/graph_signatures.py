"""What each graph must take and give, as the model facts require it (docs/package_format.md).

The runtime copies by these sizes: a package whose graphs agree with its manifest while the manifest
disagrees with itself must be refused before anything runs. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping

from ufvideo_sdk.package.manifest_fields import (
    MAX_WIDTH,
    ModelFacts,
    StageEntry,
    TensorSpec,
    VideoFacts,
)
from ufvideo_sdk.validation.strict_json import FieldError, inside

Tensors = tuple[TensorSpec, ...]
Border = tuple[Tensors, Tensors]


def stage_borders(
    model: ModelFacts, video: VideoFacts, *, mask_width: int, cache_dtype: str
) -> dict[str, Border]:
    """Inputs and outputs of every graph, by stage in pipeline order.

    Args:
        model: Sizes of the network.
        video: Sizes of what enters.
        mask_width: Channels of SAM 2's features, the one size that no fact says.
        cache_dtype: Of the language model's KV cache.
    """
    return {
        **_feature_borders(model, video),
        "language_model": _language_model_border(model, cache_dtype),
        **_mask_borders(model, video, mask_width),
    }


def cache_dtype(language_model: StageEntry) -> str:
    """Dtype of the KV cache of a language model.

    In fp32 and fp16 its floats are the cache's; integer weights leave open what is computed between
    them, so that its own inputs say it.
    """
    if language_model.precision in ("fp32", "fp16"):
        return "float16" if language_model.precision == "fp16" else "float32"
    declared = {tensor.name: tensor.dtype for tensor in language_model.inputs}
    return "float16" if declared.get("past_key_values.0.key") == "float16" else "float32"


def check_borders(model: ModelFacts, video: VideoFacts, stages: Mapping[str, StageEntry]) -> None:
    """Compare the inputs and outputs of every stage with what the facts require.

    Raises:
        FieldError: Naming the stage, the tensor, what was expected and what came.
    """
    expected = stage_borders(
        model,
        video,
        mask_width=_mask_width(stages["mask_encoder"].outputs),
        cache_dtype=cache_dtype(stages["language_model"]),
    )
    for stem, (inputs, outputs) in expected.items():
        with inside(f"stages.{stem}"):
            _check_side("inputs", inputs, stages[stem].inputs)
            _check_side("outputs", outputs, stages[stem].outputs)


def _check_side(side: str, expected: Tensors, given: Tensors) -> None:
    for index, (wanted, came) in enumerate(zip(expected, given, strict=False)):
        if came != wanted:
            raise FieldError(f"{side}[{index}]", f"expected {_text(wanted)}, got {_text(came)}")
    if len(given) < len(expected):
        missing = _text(expected[len(given)])
        raise FieldError(side, f"expected {missing} too, got {len(given)} tensors")
    if len(given) > len(expected):
        index = len(expected)
        raise FieldError(f"{side}[{index}]", f"expected no more tensors, got {_text(given[index])}")


def _text(tensor: TensorSpec) -> str:
    return f"{tensor.name} {tensor.dtype} [{', '.join(map(str, tensor.shape))}]"


def _tensor(name: str, *shape: int | str, dtype: str = "float32") -> TensorSpec:
    return TensorSpec(name, dtype, shape)


def _feature_borders(model: ModelFacts, video: VideoFacts) -> dict[str, Border]:
    side, width = video.vision_size_px, model.hidden_size
    features = _tensor("features", "T", video.patch_grid**2, model.vision_hidden_size)
    frames = _tensor("frames", "T", side, side, 3, dtype="uint8")
    return {
        "vision_encoder": ((frames,), (features,)),
        "aligner": ((features,), (_tensor("video_tokens", "N", width),)),
        "region_encoder": (
            (_tensor("pooled_features", "R", model.vision_hidden_size),),
            (_tensor("region_tokens", "R", width),),
        ),
        "token_embedder": (
            (_tensor("token_ids", "S", dtype="int64"),),
            (_tensor("embeddings", "S", width),),
        ),
    }


def _language_model_border(model: ModelFacts, dtype: str) -> Border:
    shape = ("B", model.num_key_value_heads, "C", model.head_dim)

    def cache(prefix: str) -> Tensors:
        return tuple(
            _tensor(f"{prefix}.{layer}.{part}", *shape, dtype=dtype)
            for layer in range(model.num_layers)
            for part in ("key", "value")
        )

    inputs = (
        _tensor("inputs_embeds", "B", "S", model.hidden_size),
        _tensor("seqlens_k", "B", dtype="int32"),
        _tensor("total_sequence_length", 1, dtype="int32"),
        *cache("past_key_values"),
    )
    outputs = (
        _tensor("logits", "B", 1, model.vocab_size),
        _tensor("hidden_states", "B", "S", model.hidden_size),
        *cache("present"),
    )
    return inputs, outputs


def _mask_width(outputs: Tensors) -> int:
    """Channels of SAM 2's features, as the mask encoder gives them."""
    shape = outputs[0].shape
    width = shape[1] if len(shape) == 4 else None
    if not isinstance(width, int) or width % 8 or width > MAX_WIDTH:
        raise FieldError(
            "stages.mask_encoder.outputs[0]",
            f"expected image_features float32 [F, C, h, w] with C a multiple of 8 of at most"
            f" {MAX_WIDTH}, got {_text(outputs[0])}",
        )
    return width


def _mask_borders(model: ModelFacts, video: VideoFacts, width: int) -> dict[str, Border]:
    side, logits_side = video.mask_size_px, video.mask_logits_size_px
    grid = logits_side // 4

    def maps(num_frames: int | str) -> Tensors:
        return (
            _tensor("image_features", num_frames, width, grid, grid),
            _tensor("high_res_features_0", num_frames, width // 8, 4 * grid, 4 * grid),
            _tensor("high_res_features_1", num_frames, width // 4, 2 * grid, 2 * grid),
        )

    return {
        "mask_encoder": ((_tensor("frames", "F", side, side, 3, dtype="uint8"),), maps("F")),
        "mask_decoder": (
            (_tensor("hidden_states", "O", model.hidden_size), *maps(1)),
            (
                _tensor("mask_logits", "O", logits_side, logits_side),
                _tensor("iou_scores", "O", 3),
                _tensor("object_scores", "O", 1),
                _tensor("object_pointers", "O", width),
            ),
        ),
    }
