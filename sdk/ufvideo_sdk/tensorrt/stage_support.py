"""Which stages TensorRT runs, and why CUDA runs the others.

A test compares this with the graphs that the exporter writes: a stage given to TensorRT has no
operator that its ONNX parser lacks, and a stage not given to it has one or is a table.
"""

from __future__ import annotations

from dataclasses import dataclass

from ufvideo_sdk.package.manifest import ALL_STEMS, Manifest
from ufvideo_sdk.package.manifest_fields import StageEntry

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
    " fp16, for a stage that it takes, or with --encoder-int8 qdq for int8 encoders that it takes"
)
_OTHER_FILES = (
    "its graph for TensorRT lies in files of its own, which this version does not open; export the"
    " checkpoint with --encoder-int8 qdq of this version"
)


@dataclass(frozen=True)
class TensorRtStage:
    """What TensorRT has to do with a stage.

    Attributes:
        stem: The stage.
        fp16: Whether the engine may compute in half precision: the package's stage is fp16.
        int8: Whether it multiplies int8: the stage has scales that were fixed when it was exported.
        reason: Why TensorRT does not run it; None: it does.
    """

    stem: str
    fp16: bool
    int8: bool
    reason: str | None

    @property
    def is_taken(self) -> bool:
        """Whether TensorRT runs it."""
        return self.reason is None


def tensorrt_stages(manifest: Manifest) -> tuple[TensorRtStage, ...]:
    """Every stage that a model opens, in pipeline order, taken or with the reason why not."""
    return tuple(
        _stage(stem, manifest.stages[stem]) for stem in ALL_STEMS if stem in manifest.stages
    )


def _stage(stem: str, entry: StageEntry) -> TensorRtStage:
    reason, precision = _NEVER.get(stem), entry.precision
    if reason is None and precision not in _FLOATS:
        own = entry.variants.get("tensorrt")
        if own is None:
            reason = _DYNAMIC.format(precision=precision)
        elif (own.graph, own.weights) != (entry.graph, entry.weights):
            reason = _OTHER_FILES
    taken_as = precision if reason is None else None
    return TensorRtStage(stem, fp16=taken_as == "fp16", int8=taken_as == "int8", reason=reason)
