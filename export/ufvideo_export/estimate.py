"""What an export will take, before it starts: time, memory and disk, from the sizes alone.

Rates were read off the export of a checkpoint of the released 7B sizes with random weights on a CPU
with two cores, in fp16 and in int4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ufvideo_export.calibration.frames import MAX_FRAMES
from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.checkpoint.config import ModelSizes
from ufvideo_export.graph.linear import block_format
from ufvideo_export.precision import INTEGER_BITS, Recipe, language_floats
from ufvideo_export.process.isolated import ISOLATED_BYTES

# Of a weight on disk where nothing is quantised.
_FLOAT_BYTES = {"fp32": 4, "fp16": 2}
# Seconds of one core. Reading a checkpoint through once for its digest:
_DIGEST_S_PER_GB = 2.0
# Writing a language model and comparing it, for 10^9 values:
_LANGUAGE_MODEL_S = {"fp32": 25.0, "fp16": 25.0, "int8": 60.0, "int4": 60.0}
# Multiplications of a traced stage in PyTorch and again in ONNX Runtime:
_PRODUCTS_PER_S = 30e9
# Starting, and tracing for 10^9 values:
_START_S, _TRACE_S = 20.0, 120.0
# Frames that a traced stage is compared on; see each stage's probes.
_PROBE_FRAMES = {"vision_encoder": 6, "aligner": 11, "mask_encoder": 1}
# Runs of an encoder on each frame that calibrates it: for the largest values, for the best scales.
_CALIBRATION_RUNS = 2
# Frames that a token attends to in comparisons of memory_attention, over all objects, its own too.
_PROBE_MEMORIES = 7
# Tracing the three stages of tracking, whatever their sizes.
_TRACK_START_S = 25.0
_BASE_BYTES = 0.7e9
# Of a checkpoint's values, those of a package at least: SigLIP's last layer and head stay out.
_NEEDED_SHARE = 0.9
# Steps of a large checkpoint run in processes of their own, beside the one that waits for them.
_WAITING_BYTES = 0.85e9
# A traced stage: its weights in PyTorch, in the graph under way or in ONNX Runtime, and for int8 in
# Optimum; and what a pixel holds in the mask encoder on the way, by the width of its first stage.
_TRACED_BYTES, _QUANTIZED_BYTES, _PIXEL_BYTES = 10.0, 11.5, 13.0
# A layer in PyTorch and in ONNX Runtime; the logits' weights as they are written and as they run.
_LAYER_BYTES, _HEAD_BYTES = 10.0, 7.7


@dataclass(frozen=True)
class ExportEstimate:
    """What an export will take.

    Attributes:
        core_s: Seconds of one core; two cores take little more than half.
        memory_bytes: The most it holds.
        disk_bytes: What it writes, the package and what stands beside it under way: an upper bound.
    """

    core_s: float
    memory_bytes: float
    disk_bytes: float

    def __str__(self) -> str:
        minutes = max(self.core_s / 60, 1.0)
        return (
            f"about {minutes:.0f} min of one core, {self.memory_bytes / 2**30:.1f} GiB of memory,"
            f" at most {self.disk_bytes / 2**30:.1f} GiB of disk"
        )


def estimate_export(
    checkpoint: Checkpoint, num_values: Mapping[str, int], chosen: Recipe, *, track: bool = False
) -> ExportEstimate:
    """Say what an export will take.

    Args:
        checkpoint: The weights; no tensor is read.
        num_values: Values of each part, as `check_tensors` counts them.
        chosen: Precision of every stage.
        track: Whether the stages of tracking are written.
    """
    track_s = track_core_s(checkpoint, num_values) if track else 0.0
    return ExportEstimate(
        core_s=_core_s(checkpoint, num_values, chosen) + track_s,
        memory_bytes=_memory_bytes(checkpoint, num_values, chosen),
        disk_bytes=_disk_bytes(checkpoint, sum(num_values.values()), chosen),
    )


def _core_s(checkpoint: Checkpoint, num_values: Mapping[str, int], chosen: Recipe) -> float:
    positions = {
        "vision_encoder": checkpoint.siglip.patch_grid**2,
        "aligner": checkpoint.siglip.patch_grid**2,
        "mask_encoder": checkpoint.sam2.feature_grid**2,
    }
    products = sum(
        frames * num_values[stem] * positions[stem] for stem, frames in _PROBE_FRAMES.items()
    )
    calibrated = sum(
        MAX_FRAMES * _CALIBRATION_RUNS * num_values[stem] * positions[stem]
        for stem in ("vision_encoder", "mask_encoder")
        if chosen.is_static(stem)
    )
    traced = sum(num_values[stem] for stem in _PROBE_FRAMES)
    return (
        _START_S
        + checkpoint.size_bytes / 1e9 * _DIGEST_S_PER_GB
        + num_values["language_model"] / 1e9 * _LANGUAGE_MODEL_S[chosen.stages["language_model"]]
        + traced / 1e9 * _TRACE_S
        + (2 * products + calibrated) / _PRODUCTS_PER_S
    )


def track_core_s(checkpoint: Checkpoint, num_values: Mapping[str, int]) -> float:
    """Seconds of one core that the stages of tracking take.

    Args:
        checkpoint: The weights; no tensor is read.
        num_values: Values of each part, as `check_tensors` counts them.
    """
    sam2 = checkpoint.sam2
    cells = sam2.feature_grid**2
    # To the frame itself and to the memories of a comparison: scores and what they weigh.
    attended = cells * cells * checkpoint.sizes.sam_out_dim * 2
    products = sam2.memory_attention_layers * _PROBE_MEMORIES * attended
    # Every stage is filled from all of SAM 2.
    traced = 3 * num_values["mask_encoder"] / 1e9 * _TRACE_S
    return _TRACK_START_S + traced + 2 * 2 * products / _PRODUCTS_PER_S


def _memory_bytes(checkpoint: Checkpoint, num_values: Mapping[str, int], chosen: Recipe) -> float:
    sizes, sam2 = checkpoint.sizes, checkpoint.sam2
    # Static scales are measured in the graph that was traced, without a copy of it.
    quantized = chosen.stages["vision_encoder"] in INTEGER_BITS
    quantized = quantized and not chosen.is_static("vision_encoder")
    encoder = _QUANTIZED_BYTES if quantized else _TRACED_BYTES
    base = _BASE_BYTES + (_WAITING_BYTES if checkpoint.size_bytes > ISOLATED_BYTES else 0)
    return base + max(
        _LAYER_BYTES * sizes.layer_values,
        _HEAD_BYTES * sizes.vocab_size * sizes.hidden_size,
        encoder * num_values["vision_encoder"],
        _TRACED_BYTES * num_values["aligner"],
        _TRACED_BYTES * num_values["mask_encoder"]
        + _PIXEL_BYTES * sam2.embed_dim * sam2.image_size_px**2,
    )


def least_package_bytes(num_values: int, precision: str) -> int:
    """A lower bound of a package's size, by the number of values in the checkpoint's files.

    Args:
        num_values: Of all tensors, those that no graph needs included.
        precision: Of the language model; no stage has fewer bits.
    """
    bits = INTEGER_BITS.get(precision) or 8 * _FLOAT_BYTES[precision]
    return int(num_values * bits / 8 * _NEEDED_SHARE)


def language_model_bytes(sizes: ModelSizes, chosen: Recipe) -> int:
    """Bytes of the weights in the language model's graph, scales, zero points and tables included.

    Args:
        sizes: Of the language model.
        chosen: Its precision, and how its integers are made.

    Raises:
        InputError: Where no block divides a row.
    """
    width, inner = sizes.hidden_size, sizes.intermediate_size
    query = sizes.num_attention_heads * sizes.head_dim
    packed = query + 2 * sizes.num_key_value_heads * sizes.head_dim
    precision = chosen.stages["language_model"]
    matrices = ((packed, width), (width, query), (2 * inner, width), (width, inner))
    floats = _FLOAT_BYTES[language_floats(precision, chosen.quantization)]
    layer = sum(rows * _row_bytes(columns, precision, chosen) for rows, columns in matrices)
    # Norms are float32, the bias is not.
    layer += floats * packed + 2 * 4 * width
    rotary = floats * sizes.max_position_embeddings * sizes.head_dim
    head = sizes.vocab_size * _row_bytes(width, chosen.quantization.head or precision, chosen)
    return sizes.num_layers * layer + 4 * width + rotary + head


def _row_bytes(num_columns: int, precision: str, chosen: Recipe) -> int:
    """Bytes of a matrix' row as the language model's graph holds it; see `linear`."""
    floats = _FLOAT_BYTES[language_floats(chosen.stages["language_model"], chosen.quantization)]
    block = block_format(precision, chosen.quantization)
    if block is None:
        return floats * num_columns
    block = block.fitted("the language model", num_columns)
    zero_points = 0 if block.symmetric else block.zero_points_shape(1, num_columns)[1]
    return num_columns * block.bits // 8 + floats * block.num_blocks(num_columns) + zero_points


def _disk_bytes(checkpoint: Checkpoint, num_values: int, chosen: Recipe) -> float:
    """An upper bound of what the package and one graph under way take."""
    sizes, stages = checkpoint.sizes, chosen.stages
    table = sizes.vocab_size * sizes.hidden_size
    # A tied table is read once and written twice.
    others = num_values - table * (1 if sizes.tie_word_embeddings else 2)
    others -= sizes.num_layers * sizes.layer_values
    embedder = stages["token_embedder"]
    # A row of int8 has one scale.
    integers = table + 4 * sizes.vocab_size
    # An encoder in int8 stands beside the one in fp32 that it is made from.
    encoder = stages["vision_encoder"]
    widest = 5.0 if encoder in INTEGER_BITS else _FLOAT_BYTES[encoder]
    return (
        language_model_bytes(sizes, chosen)
        + (integers if embedder in INTEGER_BITS else table * _FLOAT_BYTES[embedder])
        + others * widest
        + (32 << 20)
    )
