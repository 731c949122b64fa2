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


def cache_tensors(prefix: str, num_layers: int) -> list[Json]:
    return [
        tensor(f"{prefix}.{layer}.{part}", ["B", 2, "C", 16])
        for layer in range(num_layers)
        for part in ("key", "value")
    ]


def small_stages() -> Json:
    mask_features = [
        tensor("image_features", ["F", 32, 8, 8]),
        tensor("high_res_features_0", ["F", 4, 32, 32]),
        tensor("high_res_features_1", ["F", 8, 16, 16]),
    ]
    inputs_outputs: dict[str, tuple[list[Json], list[Json]]] = {
        "vision_encoder": (
            [tensor("frames", ["T", 56, 56, 3], "uint8")],
            [tensor("features", ["T", 16, 48])],
        ),
        "aligner": ([tensor("features", ["T", 16, 48])], [tensor("video_tokens", ["N", 64])]),
        "region_encoder": (
            [tensor("pooled_features", ["R", 48])],
            [tensor("region_tokens", ["R", 64])],
        ),
        "token_embedder": (
            [tensor("token_ids", ["S"], "int64")],
            [tensor("embeddings", ["S", 64])],
        ),
        "language_model": (
            [
                tensor("inputs_embeds", ["B", "S", 64]),
                tensor("seqlens_k", ["B"], "int32"),
                tensor("total_sequence_length", [1], "int32"),
                *cache_tensors("past_key_values", 2),
            ],
            [
                tensor("logits", ["B", 1, 626]),
                tensor("hidden_states", ["B", "S", 64]),
                *cache_tensors("present", 2),
            ],
        ),
        "mask_encoder": ([tensor("frames", ["F", 128, 128, 3], "uint8")], mask_features),
        "mask_decoder": (
            [
                tensor("hidden_states", ["O", 64]),
                tensor("image_features", [1, 32, 8, 8]),
                tensor("high_res_features_0", [1, 4, 32, 32]),
                tensor("high_res_features_1", [1, 8, 16, 16]),
            ],
            [
                tensor("mask_logits", ["O", 32, 32]),
                tensor("iou_scores", ["O", 3]),
                tensor("object_scores", ["O", 1]),
                tensor("object_pointers", ["O", 32]),
            ],
        ),
    }
    return {stem: stage(stem, *inputs_outputs[stem]) for stem in STAGES}


def small() -> Json:
    return {
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
        "stages": small_stages(),
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


def changed(**values: Any) -> Json:
    """The small manifest with values set: `a__b__0=value` sets manifest["a"]["b"][0]."""
    manifest = small()
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
