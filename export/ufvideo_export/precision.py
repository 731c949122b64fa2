"""What a precision means for each stage: the one place that says it.

| stage | fp32 | fp16 | int8 | int4 |
| --- | --- | --- | --- | --- |
| language_model | fp32 | fp16 | int8 | int4 |
| token_embedder | fp32 | fp16 | int8 | int8 |
| vision_encoder, mask_encoder | fp32 | fp16 | int8 | int8 |
| aligner, region_encoder, mask_decoder | fp32 | fp16 | fp16 | fp16 |
| memory_encoder, memory_attention, track_decoder | fp32 | fp16 | fp16 | fp16 |

- `language_model` in int8 or int4: the weights of its matrix products in blocks along a row, each
  with a scale (`MatMulNBits`); norms, biases, arithmetic between products, borders and the KV cache
  are float32. `accuracy_level` 4 quantises each product's input to int8 on the way in, as it runs;
  level 1 multiplies the dequantised weights in float32.
  With `floats` fp16, for GPUs, all of these but the norms and the sum through the layers are fp16,
  the KV cache too, and the encoders are fp16 as a whole: CUDA's attention takes nothing wider, and
  its products no int8 inputs.
- `token_embedder` in int8: a row of int8 with one scale. Rows are looked up, not multiplied: four
  bits would save disk and no time.
- The encoders in int8: weights of their matrix products, one scale a column, 7 of 8 bits
  (`reduce_range`: on a CPU without VNNI the sums of full-range products saturate, and packages
  travel); inputs are quantised as they run, or in steps measured beforehand (`encoder_int8`).
  Convolutions stay in float32: slower in int8.
- The others are mostly convolutions, or decide a mask's edge: half the size is what can be had. In
  `memory_attention` the products are of activations, whose number grows with the memories.
- What is remembered of an object is float32 in every precision: graphs take and give float32, and
  nothing between them rounds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ufvideo_sdk.errors import ConfigError
from ufvideo_sdk.package.manifest import PRECISIONS, Manifest
from ufvideo_sdk.package.manifest_fields import ALL_STEMS

INTEGER_BITS = {"int8": 8, "int4": 4}
HEAD_PRECISIONS = ("fp32", "int8", "int4")
# What MatMulNBits takes.
BLOCK_SIZES = (16, 32, 64, 128, 256)
ACCURACY_LEVELS = (1, 4)
FLOATS = ("fp32", "fp16")
ENCODER_INT8 = ("dynamic", "qdq")

_ENCODERS = ("vision_encoder", "mask_encoder")
_INTEGER_STAGES: dict[str, Mapping[str, str]] = {
    "int8": {"language_model": "int8", "token_embedder": "int8"} | dict.fromkeys(_ENCODERS, "int8"),
    "int4": {"language_model": "int4", "token_embedder": "int8"} | dict.fromkeys(_ENCODERS, "int8"),
}


@dataclass(frozen=True)
class Quantization:
    """How integer weights are made; nothing here concerns fp32 and fp16.

    Attributes:
        block_size: Weights that share a scale, in the language model. A row that is no multiple of
            it takes the largest smaller block that divides the row.
        symmetric: Blocks without a zero point of their own.
        accuracy_level: MatMulNBits': 4 (int8 inputs) or 1 (float32 inputs).
        head: Precision of the product that gives the logits; None: the language model's.
        reduce_range: 7-bit weights in the encoders.
        floats: What the language model computes in between integer weights and keeps its cache in:
            "fp32", or "fp16" for GPUs, where the encoders are fp16 instead of int8.
        encoder_int8: How the encoders quantise what enters their products: "dynamic" (as they run)
            or "qdq" (with scales that are measured when they are exported). None: "dynamic", or
            fp16 encoders where `floats` is "fp16".
        calibration: With "qdq", what the scales are measured on: videos, pictures, and folders of
            these; 16 frames are taken evenly. None given: drawn frames, which have no more than
            shapes, textures and stripes; what is beyond their range in real frames is clipped.
    """

    block_size: int = 128
    symmetric: bool = False
    accuracy_level: int = 4
    head: str | None = None
    reduce_range: bool = True
    floats: str = "fp32"
    encoder_int8: str | None = None
    calibration: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check("block_size", self.block_size, BLOCK_SIZES)
        _check("accuracy_level", self.accuracy_level, ACCURACY_LEVELS)
        _check("floats", self.floats, FLOATS)
        if self.head is not None:
            _check("head", self.head, HEAD_PRECISIONS)
        if self.encoder_int8 is not None:
            _check("encoder_int8", self.encoder_int8, ENCODER_INT8)
        if self.encoder_int8 == "dynamic" and self.floats == "fp16":
            raise ConfigError(
                "expected encoder_int8 qdq or none with floats fp16, found dynamic: a GPU has no"
                " products of inputs that are quantised as they run"
            )
        if isinstance(self.calibration, str):
            raise ConfigError(
                f"expected calibration to be a tuple of paths, found {self.calibration!r}"
            )
        if self.calibration and not self.has_static_encoders:
            raise ConfigError(
                "expected no calibration without encoder_int8 qdq, whose scales it is for, found"
                f" {self.calibration[0]!r}"
            )

    @property
    def has_static_encoders(self) -> bool:
        """Whether the encoders are int8 with scales fixed beforehand."""
        return self.encoder_int8 == "qdq"

    def text(self, precision: str) -> str:
        """What a manifest's provenance says of it."""
        parts = (
            f"block_size={self.block_size}",
            "symmetric" if self.symmetric else "asymmetric",
            f"accuracy_level={self.accuracy_level}",
            f"head={self.head or precision}",
            f"reduce_range={str(self.reduce_range).lower()}",
            f"floats={self.floats}",
        )
        static = ("encoder_int8=qdq",) if self.has_static_encoders else ()
        return ", ".join((*parts, *static))


@dataclass(frozen=True)
class Recipe:
    """The precision of every stage, by stem, and how integer weights are made."""

    name: str
    stages: Mapping[str, str]
    quantization: Quantization

    def is_static(self, stem: str) -> bool:
        """Whether a stage is int8 with scales of its activations fixed beforehand."""
        is_int8_encoder = stem in _ENCODERS and self.stages[stem] in INTEGER_BITS
        return is_int8_encoder and self.quantization.has_static_encoders


def recipe(precision: str, quantization: Quantization | None = None) -> Recipe:
    """What a precision means for each stage.

    Raises:
        ConfigError: For an unknown precision, or a quantization where nothing is quantised.
    """
    _check("precision", precision, PRECISIONS)
    if precision in INTEGER_BITS:
        quantization = quantization or Quantization()
        chosen = dict(_INTEGER_STAGES[precision])
        if quantization.floats == "fp16" and not quantization.has_static_encoders:
            chosen |= dict.fromkeys(_ENCODERS, "fp16")
        stages = {stem: chosen.get(stem, "fp16") for stem in ALL_STEMS}
        return Recipe(precision, stages, quantization)
    if quantization is not None:
        raise ConfigError(
            f"expected no quantization options with precision {precision}, which quantises"
            f" nothing, found {quantization.text(precision)}"
        )
    return Recipe(precision, dict.fromkeys(ALL_STEMS, precision), Quantization())


def track_precision(manifest: Manifest) -> str:
    """What stages of tracking have in the package of a manifest: what its mask decoder has."""
    return manifest.stages["mask_decoder"].precision


def language_floats(precision: str, quantization: Quantization) -> str:
    """What a language model of a precision computes in besides its weights: "fp32" or "fp16"."""
    return quantization.floats if precision in INTEGER_BITS else precision


def _check(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        choices = " or ".join(map(str, allowed))
        raise ConfigError(f"expected {name} to be {choices}, found {value!r}")
