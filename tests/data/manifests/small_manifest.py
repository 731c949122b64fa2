"""A manifest as the exporter writes it for the small golden checkpoint, and ways to change it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

STAGES = (
    "vision_encoder",
    "aligner",
    "region_encoder",
    "token_embedder",
    "language_model",
    "mask_encoder",
    "mask_decoder",
)
TRACKING_STAGES = ("memory_encoder", "memory_attention", "track_decoder")
Json = dict[str, Any]


def file_entry(path: str) -> Json:
    return {"path": path, "size_bytes": 1, "sha256": "0123456789abcdef" * 4}


def tensor(name: str, shape: list[int | str], dtype: str = "float32") -> Json:
    return {"name": name, "dtype": dtype, "shape": shape}


def stage(stem: str, inputs: list[Json], outputs: list[Json]) -> Json:
    return {
        "graph": file_entry(f"{stem}.onnx"),
        "weights": None,
        "precision": "fp32",
        "inputs": inputs,
        "outputs": outputs,
    }


def cache_tensors(prefix: str, model: Json) -> list[Json]:
    shape = ["B", model["num_key_value_heads"], "C", model["head_dim"]]
    return [
        tensor(f"{prefix}.{layer}.{part}", shape)
        for layer in range(model["num_layers"])
        for part in ("key", "value")
    ]


def mask_maps(num_frames: int | str, grid: int, width: int) -> list[Json]:
    return [
        tensor("image_features", [num_frames, width, grid, grid]),
        tensor("high_res_features_0", [num_frames, width // 8, 4 * grid, 4 * grid]),
        tensor("high_res_features_1", [num_frames, width // 4, 2 * grid, 2 * grid]),
    ]


def stages_of(model: Json, video: Json, mask_width: int = 32) -> Json:
    """The stages that these facts require."""
    width, vision_width = model["hidden_size"], model["vision_hidden_size"]
    side, mask_side = video["vision_size_px"], video["mask_size_px"]
    logits_side = video["mask_logits_size_px"]
    features = tensor("features", ["T", video["patch_grid"] ** 2, vision_width])
    inputs_outputs: dict[str, tuple[list[Json], list[Json]]] = {
        "vision_encoder": ([tensor("frames", ["T", side, side, 3], "uint8")], [features]),
        "aligner": ([copy.deepcopy(features)], [tensor("video_tokens", ["N", width])]),
        "region_encoder": (
            [tensor("pooled_features", ["R", vision_width])],
            [tensor("region_tokens", ["R", width])],
        ),
        "token_embedder": (
            [tensor("token_ids", ["S"], "int64")],
            [tensor("embeddings", ["S", width])],
        ),
        "language_model": (
            [
                tensor("inputs_embeds", ["B", "S", width]),
                tensor("seqlens_k", ["B"], "int32"),
                tensor("total_sequence_length", [1], "int32"),
                *cache_tensors("past_key_values", model),
            ],
            [
                tensor("logits", ["B", 1, model["vocab_size"]]),
                tensor("hidden_states", ["B", "S", width]),
                *cache_tensors("present", model),
            ],
        ),
        "mask_encoder": (
            [tensor("frames", ["F", mask_side, mask_side, 3], "uint8")],
            mask_maps("F", logits_side // 4, mask_width),
        ),
        "mask_decoder": (
            [
                tensor("hidden_states", ["O", width]),
                *mask_maps(1, logits_side // 4, mask_width),
            ],
            [
                tensor("mask_logits", ["O", logits_side, logits_side]),
                tensor("iou_scores", ["O", 3]),
                tensor("object_scores", ["O", 1]),
                tensor("object_pointers", ["O", mask_width]),
            ],
        ),
    }
    return {stem: stage(stem, *inputs_outputs[stem]) for stem in STAGES}


def small() -> Json:
    manifest: Json = {
        "format_version": 1,
        "model": {
            "name": "small",
            "architecture": "videorefer_qwen2",
            "hidden_size": 64,
            "num_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "vocab_size": 626,
            "max_position_embeddings": 4096,
            "vision_hidden_size": 48,
            "max_region_tokens": 4,
            "seg_hidden_state": "preceding",
        },
        "video": {
            "num_frames": 8,
            "vision_size_px": 56,
            "patch_grid": 4,
            "aligner_padding": 0,
            "mask_size_px": 128,
            "mask_logits_size_px": 32,
        },
        "tokens": {
            "end_ids": [521],
            "video_placeholder_id": -201,
            "image_placeholder_id": -200,
            "region_id": 524,
            "time_first_id": 525,
            "num_time_tokens": 100,
            "seg_id": 625,
        },
        "stages": {},
        "files": [file_entry("tokenizer.json"), file_entry("chat_template.json")],
        "provenance": {
            "exporter": "0.1.0",
            "torch": "2.13.0",
            "transformers": "4.57.6",
            "onnx": "1.23.2",
            "source": "small",
        },
        "verification": {
            stem: {
                "tolerance_abs": 1e-3,
                "tolerance_rel": 1e-4,
                "max_abs_error": 4e-6,
                "max_rel_error": 2e-6,
            }
            for stem in STAGES
        },
    }
    manifest["stages"] = stages_of(manifest["model"], manifest["video"])
    return manifest


def tracking_stages_of(tracking: Json, video: Json, mask_width: int = 32) -> Json:
    """The stages that tracking adds."""
    memory_width, logits_side = tracking["memory_width"], video["mask_logits_size_px"]
    grid = logits_side // 4
    coarse, fine, middle = mask_maps(1, grid, mask_width)
    conditioned = tensor("conditioned_features", ["O", mask_width, grid, grid])
    inputs_outputs: dict[str, tuple[list[Json], list[Json]]] = {
        "memory_encoder": (
            [coarse, tensor("mask_logits", ["O", logits_side, logits_side])],
            [tensor("memory_features", ["O", memory_width, grid, grid])],
        ),
        "memory_attention": (
            [
                copy.deepcopy(coarse),
                tensor("memory_features", ["O", "K", memory_width, grid, grid]),
                tensor("memory_ages", ["O", "K"], "int64"),
                tensor("object_pointers", ["O", "Q", mask_width]),
            ],
            [conditioned],
        ),
        "track_decoder": (
            [copy.deepcopy(conditioned), fine, middle],
            [
                tensor("mask_logits", ["O", 3, logits_side, logits_side]),
                tensor("iou_scores", ["O", 3]),
                tensor("object_scores", ["O", 1]),
                tensor("object_pointers", ["O", 3, mask_width]),
            ],
        ),
    }
    return {stem: stage(stem, *inputs_outputs[stem]) for stem in TRACKING_STAGES}


def variant(stem: str, provider: str) -> Json:
    """Another graph of a stage for one provider."""
    return {
        "graph": file_entry(f"{stem}.{provider}.onnx"),
        "weights": None,
        "precision": "int8",
        "verification": small()["verification"]["aligner"],
    }


def tracked() -> Json:
    """A manifest of format version 2 that can do everything, with a variant of one stage."""
    manifest = small()
    manifest["format_version"] = 2
    manifest["capabilities"] = ["ask", "segment", "track"]
    manifest["tracking"] = {"num_memories": 7, "max_object_pointers": 16, "memory_width": 8}
    manifest["stages"] |= tracking_stages_of(manifest["tracking"], manifest["video"])
    for stem, entry in manifest["stages"].items():
        entry["variants"] = {}
        manifest["verification"][stem] = manifest["verification"]["aligner"]
    encoder = manifest["stages"]["vision_encoder"]
    encoder["variants"] = {"tensorrt": variant("vision_encoder", "tensorrt")}
    return manifest


def changed(_start: Callable[[], Json] | None = None, /, **values: Any) -> Json:
    """A manifest with values set, the small one: `a__b__0=value` sets manifest["a"]["b"][0]."""
    manifest = copy.deepcopy(small() if _start is None else _start())
    for path, value in values.items():
        *parents, last = [int(part) if part.isdigit() else part for part in path.split("__")]
        target: Any = manifest
        for part in parents:
            target = target[part]
        target[last] = value
    return manifest


def without(*path: str) -> Json:
    manifest = small()
    target: Any = manifest
    for part in path[:-1]:
        target = target[part]
    del target[path[-1]]
    return manifest


def edited(edit: Callable[[Json], None]) -> Json:
    manifest = copy.deepcopy(small())
    edit(manifest)
    return manifest
