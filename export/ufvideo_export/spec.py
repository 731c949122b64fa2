"""What each graph takes and gives, and how far it may be from PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.package.manifest_fields import model_facts, tracking_facts, video_facts
from ufvideo_export.precision import Quantization, language_floats
from ufvideo_sdk.package.manifest import SEG_HIDDEN_STATES, TensorSpec, graph_signatures

# What ONNX Runtime 1.22 reads; 20 is the first with Gelu, whose parts took a ninth of SigLIP.
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
# Integer weights are compared with PyTorch on the same integers: nothing is lost between the two
# but where the graph quantises its inputs as well, as it runs. `int8_inputs` is the language model
# at accuracy level 4, `int8_encoder` is compared with PyTorch in float32, weights included.
TOLERANCES = {
    "fp32": Tolerance(max_abs=1e-3, max_rel=1e-4),
    "fp16": Tolerance(max_abs=16.0, max_rel=2e-2),
    "int8_inputs": Tolerance(max_abs=16.0, max_rel=5e-2),
    "int8_encoder": Tolerance(max_abs=16.0, max_rel=1e-1),
}


@dataclass(frozen=True)
class StageSpec:
    """The border of one graph."""

    stem: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def stage_specs(
    checkpoint: Checkpoint,
    language_precision: str,
    quantization: Quantization | None = None,
    *,
    track: bool = False,
) -> dict[str, StageSpec]:
    """The border of every graph, in pipeline order, as the package format requires it.

    Args:
        checkpoint: Whose sizes they have.
        language_precision: Of the language model.
        quantization: Where it holds integers; None: the defaults.
        track: Those of tracking, too.
    """
    half = language_floats(language_precision, quantization or Quantization()) == "fp16"
    signatures = graph_signatures(
        # No border depends on which state [SEG] takes.
        model_facts(checkpoint, SEG_HIDDEN_STATES[0]),
        video_facts(checkpoint),
        mask_width=checkpoint.sizes.sam_out_dim,
        cache_dtype="float16" if half else "float32",
        tracking=tracking_facts(checkpoint) if track else None,
    )
    return {stem: StageSpec(stem, *signature) for stem, signature in signatures.items()}
