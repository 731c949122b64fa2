"""Which stages TensorRT runs, and why CUDA runs the others.

A test compares this with the graphs that the exporter writes: a stage given to TensorRT has no
operator that its ONNX parser lacks, and a stage not given to it has one or is a table.
"""

from __future__ import annotations

from dataclasses import dataclass

from ufvideo_sdk.package.manifest import ALL_STEMS, Manifest

_NEVER = {
    "language_model": (
        "its attention with the KV cache in place (GroupQueryAttention) and its integer products"
        " (MatMulNBits) are ONNX Runtime's own operators, which TensorRT's parser lacks"
    ),
    "token_embedder": (
        "it looks rows up and computes nothing, and an engine would hold the table once more"
    ),
}
_FLOATS = ("fp32", "fp16")
_DYNAMIC = (
    "its {precision} products quantise their inputs as they run (DynamicQuantizeLinear,"
    " MatMulInteger), which TensorRT's parser lacks; export with --precision fp16, or with --floats"
    " fp16, for a stage that it takes"
)


@dataclass(frozen=True)
class TensorRtStage:
    """What TensorRT has to do with a stage.

    Attributes:
        stem: The stage.
        fp16: Whether the engine may compute in half precision: the package's stage is fp16.
        reason: Why TensorRT does not run it; None: it does.
    """

    stem: str
    fp16: bool
    reason: str | None

    @property
    def is_taken(self) -> bool:
        """Whether TensorRT runs it."""
        return self.reason is None


def tensorrt_stages(manifest: Manifest) -> tuple[TensorRtStage, ...]:
    """Every stage that a model opens, in pipeline order, taken or with the reason why not."""
    return tuple(
        _stage(stem, manifest.stages[stem].precision)
        for stem in ALL_STEMS
        if stem in manifest.stages
    )


def _stage(stem: str, precision: str) -> TensorRtStage:
    reason = _NEVER.get(stem)
    if reason is None and precision not in _FLOATS:
        reason = _DYNAMIC.format(precision=precision)
    return TensorRtStage(stem, fp16=reason is None and precision == "fp16", reason=reason)
