"""What a package needs in memory, from its manifest alone.

The CPU's numbers were measured with ONNX Runtime 1.32: each says what it stands for. Those of CUDA
are arithmetic that nobody has measured yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ufvideo_sdk import _native
from ufvideo_sdk.errors import ConfigError
from ufvideo_sdk.package.graph_signatures import cache_dtype
from ufvideo_sdk.package.manifest import Manifest, StageEntry
from ufvideo_sdk.runtime.config import GenerationConfig, RuntimeConfig

_MIB = 1 << 20
_FLOAT_BYTES = 4
# Memory over file. The CPU multiplies float16 weights as float32 copies. Integer weights are packed
# for its instructions; their scales stay beside the packed ones.
_IN_MEMORY = {"fp32": 1.0, "fp16": 2.0, "int8": 1.08, "int4": 1.15}
# Casts double what an fp16 graph works in for a while.
_WORKING = {"fp32": 1.0, "fp16": 1.5, "int8": 1.0, "int4": 1.0}
FILE_BITS = {"fp32": 32, "fp16": 16, "int8": 8.3, "int4": 4.4}
# Of a weight while it is packed, beside the packed one: half precision goes through float32, and
# between two and six percent of a package more is held from run to run.
_PACKING_BITS = FILE_BITS | {"fp16": 16 + 48}
# ONNX Runtime itself, its threads, and what seven graphs hold beside their weights; ten hold little
# more.
_RUNTIME_BYTES = 44 * _MIB
# The tokenizer's tables in memory over tokenizer.json.
_TOKENIZER_FACTOR = 10
# Pages of the embedding table that a question's words touch.
_TOUCHED_TABLE_BYTES = 8 * _MIB
_QUESTION_TOKENS = 64


@dataclass(frozen=True)
class _Device:
    """How a device holds weights and works: memory over file, and over float32, by precision."""

    in_memory: Mapping[str, float]
    working: Mapping[str, float]
    # Weights are packed for its instructions, and the embedding table stays in the mapped file.
    is_cpu: bool


_DEVICES = {
    "cpu": _Device(_IN_MEMORY, _WORKING, is_cpu=True),
    # Weights as they lie in the file, half precision multiplied as half precision.
    "cuda": _Device(
        in_memory=dict.fromkeys(_IN_MEMORY, 1.0), working=_WORKING | {"fp16": 0.5}, is_cpu=False
    ),
}
DEVICES = tuple(_DEVICES)


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes that a process holds beside Python, its modules and the pixels of frames.

    On CUDA, beside what CUDA's own libraries hold too.

    Attributes:
        weights_bytes: All graphs and weights on disk.
        loaded_bytes: What stays in memory once the package is loaded.
        loading_bytes: The most while it loads.
        kv_cache_bytes_per_1000_tokens: KV cache of 1,000 positions.
        num_video_tokens: Positions that a clip takes.
        num_positions: Positions at the end of the answer.
        num_answer_tokens: Of these, the answer.
        kv_cache_bytes: KV cache at the end of the answer.
        features_bytes: What is kept of a clip's frames.
        working_bytes: Activations of the stage that needs most; the stages share them.
        peak_bytes: The most from loading to the end of the answer.
        track_bytes_per_object: What a tracked object is remembered by, prompted once; 0 if the
            package cannot track.
        track_working_bytes: Activations of the run that carries one object to the next frame, all
            memories full; 0 if the package cannot track.
    """

    weights_bytes: int
    loaded_bytes: int
    loading_bytes: int
    kv_cache_bytes_per_1000_tokens: int
    num_video_tokens: int
    num_positions: int
    num_answer_tokens: int
    kv_cache_bytes: int
    features_bytes: int
    working_bytes: int
    peak_bytes: int
    track_bytes_per_object: int
    track_working_bytes: int


def memory_plan(
    manifest: Manifest, *, num_answer_tokens: int | None = None, device: str = "cpu"
) -> MemoryPlan:
    """Plan a question of 64 tokens about a clip of the model's number of frames.

    Args:
        manifest: Of the package.
        num_answer_tokens: Length of the answer; None: the longest that GenerationConfig allows by
            default. The context's end ends an answer too.
        device: Where every stage runs, "cpu" or "cuda".

    Raises:
        ConfigError: For another device.
    """
    if device not in _DEVICES:
        raise ConfigError(f"device: expected one of {', '.join(DEVICES)}, got {device!r}")
    held_by, model = _DEVICES[device], manifest.model
    if num_answer_tokens is None:
        num_answer_tokens = GenerationConfig().max_new_tokens
    num_video_tokens = video_tokens(manifest)
    prompt = num_video_tokens + _QUESTION_TOKENS
    num_positions = min(prompt + num_answer_tokens, model.max_position_embeddings)
    loaded, loading = _loaded_and_loading(manifest, held_by)
    kv_bytes = kv_cache_bytes(manifest, 1)
    features = _FLOAT_BYTES * (
        manifest.video.num_frames * manifest.video.patch_grid**2 * model.vision_hidden_size
        + num_video_tokens * model.hidden_size
    )
    stages = (_vision_bytes, _aligner_bytes, _prefill_bytes)
    working = max(needs(manifest, held_by) for needs in stages)
    held = loaded + kv_bytes * num_positions + features + working
    return MemoryPlan(
        weights_bytes=sum(stage_bytes(stage) for stage in manifest.stages.values()),
        loaded_bytes=loaded,
        loading_bytes=loading,
        kv_cache_bytes_per_1000_tokens=kv_cache_bytes(manifest, 1000),
        num_video_tokens=num_video_tokens,
        num_positions=num_positions,
        num_answer_tokens=max(num_positions - prompt, 0),
        kv_cache_bytes=kv_bytes * num_positions,
        features_bytes=features,
        working_bytes=working,
        peak_bytes=max(held, loading),
        track_bytes_per_object=_track_bytes(manifest),
        track_working_bytes=_recall_bytes(manifest, held_by),
    )


def kv_cache_bytes(manifest: Manifest, num_positions: int) -> int:
    """KV cache of so many positions."""
    model = manifest.model
    value_bytes = np.dtype(cache_dtype(manifest.stages["language_model"])).itemsize
    width = model.num_key_value_heads * model.head_dim
    return 2 * model.num_layers * width * value_bytes * num_positions


def video_tokens(manifest: Manifest) -> int:
    """Positions that a clip takes: the aligner joins 2 x 2 x 2 (docs/model.md, part 4)."""
    video = manifest.video
    return _native.num_video_tokens(
        patch_grid=video.patch_grid,
        aligner_padding=video.aligner_padding,
        num_frames=video.num_frames,
    )


def stage_bytes(stage: StageEntry) -> int:
    """Size of a stage on disk: its graph, and its weights where they are apart."""
    return stage.graph.size_bytes + (0 if stage.weights is None else stage.weights.size_bytes)


def _loaded_and_loading(manifest: Manifest, device: _Device) -> tuple[int, int]:
    """What all stages hold, and the most on the way there.

    A weight in a file of its own is read from the mapped file and dropped once its packed copy is
    made, so that the largest is there twice for a moment; weights inside a graph are there twice
    until the graph is open. CUDA copies from the mapped file.
    """
    held, peak = _RUNTIME_BYTES, 0
    for stem, stage in manifest.stages.items():
        entry_bytes = stage_bytes(stage)
        if stage.weights is None:
            twice = entry_bytes
        else:
            packs = device.is_cpu and stem == "language_model"
            twice = _head_bytes(manifest) if packs else 0
        held += _stage_loaded_bytes(stem, stage, device)
        peak = max(peak, held + twice)
    tokenizer = sum(file.size_bytes for file in manifest.files if file.path == "tokenizer.json")
    held += _TOKENIZER_FACTOR * tokenizer
    return held, max(peak, held)


def _stage_loaded_bytes(stem: str, stage: StageEntry, device: _Device) -> int:
    if stem != "token_embedder" or not device.is_cpu:
        return int(stage_bytes(stage) * device.in_memory[stage.precision])
    # Rows are looked up in the mapped file; a small table lies in the graph, as it is.
    return stage_bytes(stage) if stage.weights is None else _TOUCHED_TABLE_BYTES


def _head_bytes(manifest: Manifest) -> int:
    model = manifest.model
    bits = _PACKING_BITS[manifest.stages["language_model"].precision]
    return int(model.vocab_size * model.hidden_size * bits / 8)


def _vision_bytes(manifest: Manifest, device: _Device) -> int:
    """Activations of one run: the MLP (four times the width), projections, scores."""
    video, width = manifest.video, manifest.model.vision_hidden_size
    frames = 1
    if _batches_frames(manifest, "vision_encoder", device):
        frames = min(_native.frames_per_batch(video.vision_size_px), video.num_frames)
    patches = video.patch_grid**2
    linear = patches * (3 * 4 * width + 5 * width)
    scores = 2 * max(width // 64, 1) * patches**2
    precision = manifest.stages["vision_encoder"].precision
    return int(frames * (linear + scores) * _FLOAT_BYTES * device.working[precision])


def _aligner_bytes(manifest: Manifest, device: _Device) -> int:
    """Activations of one run: a few feature maps at the language model's width."""
    video = manifest.video
    frames = video.num_frames
    if not video.aligner_padding:  # Else the whole clip goes through at once.
        batches = _batches_frames(manifest, "aligner", device)
        frames = min(frames, _native.FRAMES_PER_ALIGNMENT if batches else 2)
    maps = 4 * frames * video.patch_grid**2 * manifest.model.hidden_size
    return int(maps * _FLOAT_BYTES * device.working[manifest.stages["aligner"].precision])


def _track_bytes(manifest: Manifest) -> int:
    """Memories and pointers of an object that is prompted once."""
    tracking = manifest.tracking
    if tracking is None:
        return 0
    memories = tracking.num_memories * tracking.memory_width * _mask_cells(manifest)
    return _FLOAT_BYTES * (memories + tracking.max_object_pointers * _mask_width(manifest))


def _recall_bytes(manifest: Manifest, device: _Device) -> int:
    """Activations of one run of the memory attention: scores and their softmax, keys and values."""
    tracking = manifest.tracking
    if tracking is None:
        return 0
    cells, width = _mask_cells(manifest), _mask_width(manifest)
    pieces = tracking.max_object_pointers * width // tracking.memory_width
    tokens = tracking.num_memories * cells + pieces
    values = 2 * cells * tokens + tokens * (3 * width + 3 * tracking.memory_width)
    precision = manifest.stages["memory_attention"].precision
    return int(values * _FLOAT_BYTES * device.working[precision])


def _mask_cells(manifest: Manifest) -> int:
    """Places of SAM 2's coarsest map."""
    return (manifest.video.mask_logits_size_px // 4) ** 2


def _mask_width(manifest: Manifest) -> int:
    """Channels of SAM 2's coarsest map."""
    width = manifest.stages["mask_encoder"].outputs[0].shape[1]
    assert isinstance(width, int)  # The manifest's reader requires it.
    return width


def _batches_frames(manifest: Manifest, stem: str, device: _Device) -> bool:
    """Whether several frames go through one run."""
    precision = manifest.stages[stem].precision
    return not device.is_cpu and _native.batches_frames_on_device(precision)


def _prefill_bytes(manifest: Manifest, device: _Device) -> int:
    """Activations of one piece of the prompt: the MLP, the residual stream, scores, the logits."""
    model = manifest.model
    prompt = video_tokens(manifest) + _QUESTION_TOKENS
    piece = min(prompt, RuntimeConfig().prefill_chunk_tokens)
    linear = piece * (3 * _intermediate_size(manifest) + 4 * model.hidden_size)
    scores = model.num_attention_heads * piece * prompt
    stage = manifest.stages["language_model"]
    precision = "fp16" if cache_dtype(stage) == "float16" else stage.precision
    values = linear + scores + model.vocab_size
    return int(values * _FLOAT_BYTES * device.working[precision])


def _intermediate_size(manifest: Manifest) -> int:
    """The MLP's width, which the manifest does not name: from the size of the weights."""
    model, stage = manifest.model, manifest.stages["language_model"]
    weights = stage_bytes(stage) * 8 / FILE_BITS[stage.precision]
    query = model.num_attention_heads * model.head_dim
    cache = 2 * model.num_key_value_heads * model.head_dim
    attention = model.hidden_size * (2 * query + cache)
    layer = (weights - model.vocab_size * model.hidden_size) / model.num_layers
    return max(int((layer - attention) / (3 * model.hidden_size)), model.hidden_size)
