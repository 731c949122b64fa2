"""Settings check themselves."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from ufvideo_sdk.config import GenerationConfig, RuntimeConfig
from ufvideo_sdk.errors import ConfigError


def test_defaults_are_the_released_ones() -> None:
    assert GenerationConfig() == GenerationConfig(2048, 0.0, None, None, None)
    assert RuntimeConfig().providers == ("cpu",)
    assert RuntimeConfig().mask_cache_bytes == 1 << 30
    assert RuntimeConfig().region_cache_bytes == 1 << 28


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("providers", ()),
        ("providers", ["cpu"]),
        ("providers", ("cpu", "cpu")),
        ("providers", ("cuda9",)),
        ("num_threads", 0),
        ("num_threads", -1),
        ("num_threads", 1.0),
        ("num_threads", True),
        ("allow_spinning", 1),
        ("verify_digests", None),
        ("mask_cache_bytes", -1),
        ("region_cache_bytes", 1.5),
        ("prefill_chunk_tokens", 0),
        ("prefill_chunk_tokens", 2**31),
        ("onnxruntime_library", 3),
    ],
)
def test_runtime_config_refuses(field: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"^{field}: expected"):
        RuntimeConfig(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_new_tokens", 0),
        ("max_new_tokens", True),
        ("max_new_tokens", 2**31),
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("temperature", "0"),
        ("top_k", 0),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("top_p", True),
        ("seed", -1),
        ("seed", 2**64),
        ("repetition_penalty", 0),
        ("repetition_penalty", float("inf")),
        ("repetition_penalty", "1"),
        ("stop_strings", "."),
        ("stop_strings", [".", "!"]),
        ("stop_strings", ("",)),
        ("stop_strings", (3,)),
    ],
)
def test_generation_config_refuses(field: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"^{field}: expected"):
        GenerationConfig(**{field: value})


def test_settings_cannot_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        GenerationConfig().top_k = 3  # type: ignore[misc]


def test_settings_reach_the_native_side() -> None:
    pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")
    native = GenerationConfig(7, 0.5, 3, 0.75, 2**64 - 1, 1.25, (".",)).to_native()
    assert (native.max_new_tokens, native.temperature, native.top_k) == (7, 0.5, 3)
    assert (native.top_p, native.seed, native.repetition_penalty) == (0.75, 2**64 - 1, 1.25)
    runtime = RuntimeConfig(prefill_chunk_tokens=3).to_native(Path("lib.so"))
    assert runtime.prefill_chunk_tokens == 3
