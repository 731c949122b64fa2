"""Checkpoints whose files, fields, names or dtypes show that they are not plain and merged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the export extra")
from safetensors.torch import load_file  # noqa: E402

from tests.export.changed_checkpoints import add, edit_config, refused  # noqa: E402
from ufvideo_export.checkpoint.checkpoint import Checkpoint  # noqa: E402

pytestmark = pytest.mark.torch
QUERY = "model.layers.0.self_attn.q_proj"


@pytest.fixture
def checkpoint(tmp_path: Path, tiny_checkpoint: Path) -> Path:
    return Path(shutil.copytree(tiny_checkpoint, tmp_path / "input" / "tiny"))


FLOAT8 = torch.float8_e4m3fn


def float8(checkpoint: Path, *, with_scale: bool) -> None:
    weight = load_file(checkpoint / "model.safetensors")[f"{QUERY}.weight"].to(FLOAT8)
    scale = {f"{QUERY}.weight_scale_inv": torch.ones(1, 1)} if with_scale else {}
    add(checkpoint, **{f"{QUERY}.weight": weight}, **scale)


def lora(checkpoint: Path) -> None:
    pair = {"lora_A": torch.ones(2, 64), "lora_B": torch.ones(64, 2)}
    add(checkpoint, **{f"{QUERY}.{name}.default.weight": value for name, value in pair.items()})


def rename(folder: str, old: str, new: str) -> Callable[[Path], Any]:
    return lambda checkpoint: (checkpoint / folder / old).rename(checkpoint / folder / new)


def names(*added: str, folder: str = ".") -> Callable[[Path], Any]:
    return lambda checkpoint: add(checkpoint, folder, **{name: torch.ones(2) for name in added})


def config(name: str = "config.json", **values: Any) -> Callable[[Path], Any]:
    return lambda checkpoint: edit_config(checkpoint / name, **values)


def touch(name: str) -> Callable[[Path], Any]:
    return lambda checkpoint: (checkpoint / name).write_bytes(b"")


OTHERS: dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    "float8": (
        lambda folder: float8(folder, with_scale=True),
        ("plain weights", f"{QUERY}.weight_scale_inv", "made from"),
    ),
    "float8_bare": (
        lambda folder: float8(folder, with_scale=False),
        (f"{QUERY}.weight", "F8_E4M3", "made from", "--precision int8"),
    ),
    "lora": (lora, ("merged checkpoint", f"{QUERY}.lora_A.default.weight and 1 more", "merge")),
    "base_layer": (names(f"{QUERY}.base_layer.weight"), ("merged checkpoint", "base_layer")),
    "dora": (names(f"{QUERY}.lora_magnitude_vector"), ("merged", "lora_magnitude_vector")),
    "siglip_lora": (
        names("vision_model.head.mlp.fc1.lora_A.weight", folder="siglip"),
        ("merged", "lora_A", "siglip"),
    ),
    "gptq": (
        config(quantization_config={"quant_method": "gptq", "bits": 4}),
        ("quantization_config", '"gptq"', "made from", "--precision int8 or int4"),
    ),
    "awq_field": (config(quant_config={"w_bit": 4}), ("quant_config", "made from")),
    "siglip_fp8": (
        config("siglip/config.json", quantization_config={"quant_method": "fp8"}),
        ("quantization_config", '"fp8"', "siglip"),
    ),
    "gptq_names": (names(f"{QUERY}.qweight", f"{QUERY}.qzeros"), ("plain weights", "qweight")),
    "bitsandbytes": (names(f"{QUERY}.weight.absmax"), ("plain weights", "absmax")),
    "gptq_file": (touch("quantize_config.json"), ("quantize_config.json", "made from")),
    "awq_file": (touch("quant_config.json"), ("quant_config.json", "made from")),
    "adapter_bin": (touch("adapter_model.bin"), ("adapter_model.bin", "merge")),
    "bin_only": (
        rename(".", "model.safetensors", "pytorch_model.bin"),
        ("pytorch_model.bin", "pickle", "safe_serialization=True"),
    ),
    "siglip_bin": (
        rename("siglip", "model.safetensors", "pytorch_model.bin"),
        ("pytorch_model.bin", "pickle", "safe_serialization=True"),
    ),
    "lfs": (
        lambda folder: (folder / "model.safetensors").write_text(
            "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
        ),
        ("Git LFS", "git lfs pull"),
    ),
    "gguf": (rename(".", "model.safetensors", "m.gguf"), ("m.gguf", "llama.cpp")),
    "deepspeed": (
        lambda folder: (
            (folder / "model.safetensors").unlink(),
            (folder / "global_step10").mkdir(),
        ),
        ("DeepSpeed", "zero_to_fp32.py"),
    ),
    "layer_types": (config(layer_types=["sliding_attention"]), ("layer_types", "full_attention")),
    "layer_types_number": (config(layer_types=3), ("layer_types", "full_attention")),
    "partial_rotary": (config(partial_rotary_factor=0.5), ("partial_rotary_factor", "0.5")),
}


@pytest.mark.parametrize("case", OTHERS)
def test_another_kind_of_checkpoint(checkpoint: Path, case: str) -> None:
    change, words = OTHERS[case]
    change(checkpoint)
    refused(checkpoint, *words)


PIXELS = {
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "resample": 3,
    "rescale_factor": 0.00392156862745098,
    "size": {"height": 28, "width": 28},
}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("resample", 2),
        ("image_mean", [0.48, 0.46, 0.41]),
        ("image_std", [0.5, 0.5, 0.25]),
        ("rescale_factor", 1.0),
        ("do_normalize", False),
        ("do_center_crop", True),
        ("size", {"height": 30, "width": 30}),
    ],
)
def test_other_pixels(checkpoint: Path, key: str, value: Any) -> None:
    path = checkpoint / "siglip" / "preprocessor_config.json"
    path.write_text(json.dumps(PIXELS))
    assert Checkpoint(checkpoint).siglip.image_size_px == 28
    edit_config(path, **{key: value})
    refused(checkpoint, key, "preprocessor_config.json")
