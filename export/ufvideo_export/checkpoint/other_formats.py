"""Folders and tensors that show that a checkpoint is not the plain, merged model it seems to be.

Each kind has its own error message, which says what to do. Without these checks most of them would
export: the base weights of a LoRA have the names and shapes of a merged model, and float8 weights
are valid floats without the scales beside them.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from ufvideo_sdk.errors import InputError

LORA_FILES = (
    "adapter_config.json",
    "adapter_model.safetensors",
    "adapter_model.bin",
    "non_lora_trainables.safetensors",
    "non_lora_trainables.bin",
)
# Of GPTQ, AWQ and ModelOpt, beside a config.json that may say nothing.
QUANTIZED_FILES = ("quantize_config.json", "quant_config.json", "hf_quant_config.json")
QUANTIZED_FIELDS = (
    "quantization_config",
    "compression_config",
    "quantization",
    "quant_config",
    "quant_method",
)
# safetensors' names of the dtypes whose values are the weights themselves.
PLAIN_DTYPES = ("F64", "F32", "F16", "BF16")
# Weights that only a pickle or another library reads.
_FOREIGN_WEIGHTS = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.gguf")

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"

_LORA_NAME = re.compile(
    r"(^|\.)(lora_[A-Za-z_]+|base_layer|modules_to_save|original_module|ia3_l|hada_w\d\w*|lokr_w\d\w*"
    r"|vera_lambda_\w+)(\.|$)|^base_model\."
)
_QUANTIZED_NAME = re.compile(
    r"(^|[._])(scale_inv|weight_scale(_\d)?|input_scale|output_scale|activation_scale|[kv]_scale"
    r"|weight_zero_point|weight_packed|weight_shape|weight_g_idx|qweight|qzeros|scales|g_idx"
    r"|absmax|nested_absmax|quant_map|nested_quant_map|quant_state\..+|SCB|weight_format)$"
)
_PLAIN_WEIGHTS = "export the float16, bfloat16 or float32 checkpoint that it was made from"


def refuse_other_files(names: Collection[str], folder: object) -> None:
    """Refuse a folder whose files belong to a LoRA or to quantised weights.

    Args:
        names: What is in it.
        folder: Which one it is, for the message: a path or a repository.

    Raises:
        InputError: Naming the files and what to do.
    """
    leftovers = [name for name in LORA_FILES if name in names]
    if leftovers:
        raise InputError(
            f"expected a merged checkpoint, found {', '.join(leftovers)} in {folder}:"
            " merge the LoRA weights into the model first"
        )
    quantized = [name for name in QUANTIZED_FILES if name in names]
    if quantized:
        raise InputError(
            f"expected plain weights, found {', '.join(quantized)} in {folder}, which quantised"
            f" weights have beside them: {_PLAIN_WEIGHTS}; --precision int8 or int4 quantises it"
        )


def refuse_quantized_config(fields: Mapping[str, Any], path: Path) -> None:
    """Refuse a config that says its weights are quantised.

    Args:
        fields: The config.
        path: Where it was read.

    Raises:
        InputError: Naming the field, the method and what to do.
    """
    for key in QUANTIZED_FIELDS:
        value = fields.get(key)
        if value is None:
            continue
        method = value.get("quant_method") if isinstance(value, dict) else value
        of_method = f" ({json.dumps(method)[:80]})" if method is not None else ""
        raise InputError(
            f"expected plain weights, found {key}{of_method} in {path}: {_PLAIN_WEIGHTS};"
            " --precision int8 or int4 quantises it. If these weights are plain, remove the key"
        )


def refuse_other_names(names: Iterable[str], folder: Path) -> None:
    """Refuse tensors of a LoRA or of quantised weights.

    Args:
        names: Of all tensors that are not ignored.
        folder: Where they were found.

    Raises:
        InputError: Naming the first one, how many there are, and what to do.
    """
    names = list(names)
    kinds = (
        (
            _LORA_NAME,
            "a merged checkpoint",
            "tensors of a LoRA or another adapter",
            "merge the adapter into the weights first (peft: merge_and_unload)",
        ),
        (
            _QUANTIZED_NAME,
            "plain weights",
            "tensors that scale or pack quantised weights",
            _PLAIN_WEIGHTS,
        ),
    )
    for pattern, expected, kind, remedy in kinds:
        found = [name for name in names if pattern.search(name)]
        if found:
            others = f" and {len(found) - 1} more" if len(found) > 1 else ""
            raise InputError(
                f"expected {expected}, found {kind} in {folder}: {found[0]}{others}; {remedy}"
            )


def refuse_dtype(name: str, dtype: str, path: Path) -> None:
    """Refuse a dtype whose values are not the weights themselves.

    Args:
        name: The tensor.
        dtype: As its safetensors header names it.
        path: The file.

    Raises:
        InputError: For float8, float4 and integers, saying what to do.
    """
    if dtype not in PLAIN_DTYPES:
        raise InputError(
            f"expected {name} in float32, float16 or bfloat16, found {dtype} in {path}, the dtype"
            f" of quantised weights: {_PLAIN_WEIGHTS}; --precision int8 or int4 quantises it"
        )


def is_lfs_pointer(path: Path) -> bool:
    """Whether a clone without Git LFS left a few lines of text in place of the weights."""
    try:
        with path.open("rb") as file:
            return file.read(len(_LFS_POINTER)) == _LFS_POINTER
    except OSError:
        return False


def names_in(folder: Path) -> frozenset[str]:
    """Names of what is in a folder; none if it is no folder."""
    return frozenset(path.name for path in folder.iterdir()) if folder.is_dir() else frozenset()


def foreign_weights(names: Collection[str]) -> str:
    """Say what a folder without safetensors files holds instead; empty if no weights at all.

    Args:
        names: What is in it.
    """
    found = sorted(name for each in _FOREIGN_WEIGHTS for name in fnmatch.filter(names, each))
    if fnmatch.filter(names, "global_step*") or "zero_to_fp32.py" in names:
        return (
            "found a DeepSpeed checkpoint: run its zero_to_fp32.py with --safe_serialization first"
        )
    if not found:
        return ""
    some = ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
    if found[0].endswith(".gguf"):
        return f"found {some}: llama.cpp's weights cannot be converted back; {_PLAIN_WEIGHTS}"
    return (
        f"found {some}: a pickle can run code while it is read, so it is not read here. If you"
        " trust where it comes from, load the model and save it with"
        " save_pretrained(folder, safe_serialization=True) first"
    )
