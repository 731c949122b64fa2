"""Settings check themselves."""

from __future__ import annotations

import ast
import copy
import dataclasses
import inspect
import pickle
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ufvideo_sdk import _native
from ufvideo_sdk.errors import ConfigError
from ufvideo_sdk.runtime import config as config_module
from ufvideo_sdk.runtime.config import GenerationConfig, RuntimeConfig


def test_defaults_are_the_released_ones() -> None:
    assert GenerationConfig() == GenerationConfig(2048, 0.0, None, None, None)
    assert RuntimeConfig().providers == ("cpu",)
    assert RuntimeConfig().mask_cache_bytes == 1 << 30
    assert RuntimeConfig().region_cache_bytes == 1 << 28


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("providers", ()),
        ("providers", "cpu"),
        ("providers", ["cpu", "cpu"]),
        ("providers", [3]),
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
        ("engine_cache", 3),
        ("providers", ("cpu", "cuda")),
        ("allow_fallback", 1),
        ("cuda_graphs", 1),
        ("cuda_graphs", True),
        ("device_id", -1),
        ("device_id", 128),
        ("device_memory_limit_bytes", 0),
        ("device_memory_limit_bytes", 1.5),
        ("device_memory_limit_bytes", 2**63),
        ("kv_cache_bytes", -1),
        ("kv_cache_bytes", 10**400),
        ("mask_cache_bytes", None),
        ("num_threads", np.bool_(True)),
    ],
)
def test_runtime_config_refuses(field: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"^{field}: expected"):
        RuntimeConfig(**{field: value})


@pytest.mark.parametrize(
    ("field", "value", "texts"),
    [
        ("stage_providers", ("cpu",), ["a mapping", "('cpu',)"]),
        ("stage_providers", {3: ("cpu",)}, ["keys are texts", "{3: ('cpu',)}"]),
        ("stage_providers", {"tokenizer": ("cpu",)}, ["language_model", '"tokenizer"']),
        ("stage_providers", {"aligner": "cuda"}, ['["aligner"]', "'cuda'"]),
        ("stage_providers", {"aligner": ("rocm",)}, ['["aligner"]', "tensorrt", '"rocm"']),
        ("provider_options", [], ["a mapping", "[]"]),
        ("provider_options", {"rocm": {}}, ["tensorrt, cuda, cpu", '"rocm"']),
        ("provider_options", {"cuda": 3}, ['["cuda"]', "a mapping", "3"]),
        ("provider_options", {"cuda": {"use_tf32": 0}}, ['["cuda"]["use_tf32"]', "text", "0"]),
        ("provider_options", {"cuda": {"use_tf32": "\ud800"}}, ["Unicode", r"\ud800"]),
        ("provider_options", {"cuda": {"device_id": "1"}}, ['"device_id"', "set device_id"]),
        ("provider_options", {"cuda": {"gpu_mem_limit": "1"}}, ["set device_memory_limit_bytes"]),
        ("provider_options", {"tensorrt": {"user_compute_stream": "1"}}, ["a stream of its own"]),
        ("provider_options", {"cpu": {"use_arena": "1"}}, ['"cpu"', "none", '"use_arena"']),
        (
            "provider_options",
            {"tensorrt": {"trt_engine_cache_path": "/"}},
            ['["tensorrt"]', '"trt_engine_cache_path": set engine_cache'],
        ),
        ("stage_provider_options", {"detokenizer": {}}, ["vision_encoder", '"detokenizer"']),
        (
            "stage_provider_options",
            {"aligner": {"cuda": {"enable_cuda_graph": "1"}}},
            ['["aligner"]', "set cuda_graphs"],
        ),
    ],
)
def test_provider_settings_name_the_place(field: str, value: Any, texts: list[str]) -> None:
    with pytest.raises(ConfigError, match=f"^{field}.*: expected") as caught:
        RuntimeConfig(**{field: value})
    for text in texts:
        assert text in str(caught.value)


def test_settings_with_options_are_one_value() -> None:
    options = {"cuda": {"use_tf32": "0"}}
    config = RuntimeConfig(
        providers=("tensorrt", "cuda", "cpu"),
        provider_options=options,
        stage_providers={"language_model": ("cuda", "cpu")},
        stage_provider_options={"aligner": {"tensorrt": {"trt_fp16_enable": "1"}}},
    )
    options["cuda"]["use_tf32"] = "1"
    options["tensorrt"] = {}
    same = RuntimeConfig(
        providers=("tensorrt", "cuda", "cpu"),
        provider_options={"cuda": {"use_tf32": "0"}},
        stage_providers={"language_model": ("cuda", "cpu")},
        stage_provider_options={"aligner": {"tensorrt": {"trt_fp16_enable": "1"}}},
    )
    assert config == same and hash(config) == hash(same)
    assert config != RuntimeConfig(providers=("tensorrt", "cuda", "cpu"))
    assert "use_tf32" in repr(config)
    with pytest.raises(TypeError):
        config.provider_options["cuda"] = {}  # type: ignore[index]


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
        ("top_p", 1.0000000001),
        ("temperature", -1e-50),
        ("temperature", 1e300),
        ("repetition_penalty", 1e-50),
        ("seed", -1),
        ("seed", 2**64),
        ("repetition_penalty", 0),
        ("repetition_penalty", float("inf")),
        ("repetition_penalty", "1"),
        ("stop_strings", "."),
        ("stop_strings", [".", 3]),
        ("stop_strings", ("",)),
        ("stop_strings", (3,)),
    ],
)
def test_generation_config_refuses(field: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"^{field}: expected"):
        GenerationConfig(**{field: value})


@pytest.mark.parametrize("kind", [RuntimeConfig, GenerationConfig])
def test_every_setting_is_one_of_the_native_runtime_or_named_as_none(kind: Any) -> None:
    native = getattr(_native, kind.__name__)()
    python_only = {"max_frame_pixels", "engine_cache", "stop_strings"}
    settings = {field.name: getattr(kind(), field.name) for field in dataclasses.fields(kind)}
    assert settings.keys() - python_only == {
        name for name, member in vars(type(native)).items() if isinstance(member, property)
    }
    # The library is looked for where none is given.
    for name in settings.keys() - python_only - {"onnxruntime_library"}:
        default = getattr(native, name)
        assert settings[name] == (tuple(default) if isinstance(default, list) else default), name


def test_a_setting_of_the_native_runtime_is_named_once_in_python() -> None:
    """Beside its declaration nothing in Python needs to know it: a check of it here is a twin."""
    tree = ast.parse(inspect.getsource(config_module))
    named = Counter(
        name
        for node in ast.walk(tree)
        for name in (
            getattr(node, "id", None),
            getattr(node, "attr", None),
            getattr(node, "arg", None),
            node.value if isinstance(node, ast.Constant) else None,
        )
        if isinstance(name, str)
    )
    # Providers have properties, the library and its options are found when a model is loaded.
    others = {"providers", "stage_providers", "onnxruntime_library"}
    others |= {"provider_options", "stage_provider_options"}
    for kind in (_native.RuntimeConfig, _native.GenerationConfig):
        settings = {name for name, each in vars(kind).items() if isinstance(each, property)}
        assert {name: named[name] for name in settings - others} == dict.fromkeys(
            settings - others, 1
        )


def test_a_setting_that_does_not_exist_is_refused() -> None:
    for kind in (_native.RuntimeConfig, _native.GenerationConfig):
        with pytest.raises(TypeError, match="unexpected keyword argument 'num_thread'"):
            kind(num_thread=1)


def test_settings_cannot_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        GenerationConfig().top_k = 3  # type: ignore[misc]


def test_an_answer_is_not_to_end_behind_its_limit() -> None:
    assert GenerationConfig(max_new_tokens=4, min_new_tokens=4).to_native().min_new_tokens == 4
    with pytest.raises(ConfigError, match="min_new_tokens: expected max_new_tokens, 4, or less"):
        GenerationConfig(max_new_tokens=4, min_new_tokens=5)
    with pytest.raises(ConfigError, match="min_new_tokens: expected an integer from 0"):
        GenerationConfig(min_new_tokens=-1)


def test_settings_reach_the_native_side() -> None:
    native = GenerationConfig(7, 0.5, 3, 0.75, 2**64 - 1, 1.25, (".",)).to_native()
    assert (native.max_new_tokens, native.temperature, native.top_k) == (7, 0.5, 3)
    assert (native.top_p, native.seed, native.repetition_penalty) == (0.75, 2**64 - 1, 1.25)
    runtime = RuntimeConfig(
        prefill_chunk_tokens=3,
        providers=("tensorrt", "cuda"),
        stage_providers={"aligner": ("cuda", "cpu")},
        allow_fallback=True,
        device_id=2,
        device_memory_limit_bytes=2**40,
        provider_options={"cuda": {"use_tf32": "0"}},
        stage_provider_options={"aligner": {"cuda": {"use_tf32": "1"}}},
    ).to_native(Path("lib.so"))
    assert runtime.prefill_chunk_tokens == 3
    assert runtime.providers == ["tensorrt", "cuda"]
    assert runtime.stage_providers == {"aligner": ["cuda", "cpu"]}
    assert (runtime.allow_fallback, runtime.device_id) == (True, 2)
    assert runtime.device_memory_limit_bytes == 2**40
    assert runtime.provider_options == {"cuda": {"use_tf32": "0"}}
    assert runtime.stage_provider_options == {"aligner": {"cuda": {"use_tf32": "1"}}}


def test_numbers_of_numpy_and_fractions_are_taken() -> None:
    runtime = RuntimeConfig(num_threads=np.int64(2), max_frame_pixels=np.uint32(99))
    assert runtime == RuntimeConfig(num_threads=2, max_frame_pixels=99)
    assert type(runtime.num_threads) is type(runtime.max_frame_pixels) is int
    config = GenerationConfig(
        max_new_tokens=np.int32(7),
        temperature=Fraction(1, 2),
        top_p=np.float32(0.5),
        seed=np.uint64(2**64 - 1),
    )
    assert config == GenerationConfig(max_new_tokens=7, temperature=0.5, top_p=0.5, seed=2**64 - 1)
    assert type(config.temperature) is type(config.top_p) is float
    assert config.to_native().max_new_tokens == 7


BYTES = (0, 2**63 - 1)


@pytest.mark.parametrize(
    ("kind", "field", "bounds"),
    [
        (RuntimeConfig, "num_threads", (1, 1024)),
        (RuntimeConfig, "device_id", (0, 127)),
        (RuntimeConfig, "prefill_chunk_tokens", (1, 2**31 - 1)),
        (RuntimeConfig, "max_frame_pixels", (1, 2**31 - 1)),
        (RuntimeConfig, "device_memory_limit_bytes", (1, 2**63 - 1)),
        (RuntimeConfig, "memory_budget_bytes", BYTES),
        (RuntimeConfig, "kv_cache_bytes", BYTES),
        (RuntimeConfig, "mask_cache_bytes", BYTES),
        (RuntimeConfig, "region_cache_bytes", BYTES),
        (RuntimeConfig, "pixel_cache_bytes", BYTES),
        (GenerationConfig, "max_new_tokens", (1, 2**31 - 1)),
        (GenerationConfig, "top_k", (1, 2**31 - 1)),
        (GenerationConfig, "seed", (0, 2**64 - 1)),
    ],
)
def test_bounds_in_messages_are_those_that_hold(
    kind: Any, field: str, bounds: tuple[int, int]
) -> None:
    low, high = bounds
    for value in bounds:
        assert getattr(kind(**{field: value}), field) == value
    for value in (low - 1, high + 1, -(2**31) - 1, -(2**63) - 1, 2**64):
        with pytest.raises(ConfigError) as caught:
            kind(**{field: value})
        assert str(caught.value) == (
            f"{field}: expected an integer from {low} to {high}, got {value}"
        )


@pytest.mark.parametrize("kind", [RuntimeConfig, GenerationConfig])
def test_arrays_are_no_settings(kind: Any) -> None:
    """Also those without dimensions: they can change, and have no hash."""
    for field in dataclasses.fields(kind):
        default = getattr(kind(), field.name)
        for value in (np.array(3), np.array([3]), np.array(1.5), np.array(default, dtype=object)):
            with pytest.raises(ConfigError, match=f"^{field.name}: expected"):
                kind(**{field.name: value})


def test_numbers_of_numpy_become_those_of_python() -> None:
    config = GenerationConfig(
        temperature=np.float64(0.5), top_p=np.float16(0.5), repetition_penalty=np.int8(2)
    )
    numbers = (config.temperature, config.top_p, config.repetition_penalty)
    assert [type(number) for number in numbers] == [float, float, int]
    assert numbers == (0.5, 0.5, 2)


@pytest.mark.parametrize("value", [10**400, Fraction(1, 3), np.bool_(True), True, 0, 2**31])
def test_most_pixels_of_a_frame_are_a_number(value: Any) -> None:
    with pytest.raises(ConfigError, match="max_frame_pixels: expected an integer from 1 to"):
        RuntimeConfig(max_frame_pixels=value)


@pytest.mark.parametrize("value", [10**400, Fraction(10**400), np.float32("nan"), 1j])
def test_temperatures_that_no_float_holds(value: Any) -> None:
    with pytest.raises(ConfigError, match="temperature: expected a finite number"):
        GenerationConfig(temperature=value)


def test_a_runtime_config_is_pickled_copied_compared_and_replaced_by_its_fields() -> None:
    config = RuntimeConfig(providers=("cpu",), num_threads=2)
    assert config.providers_of("language_model") == ("cpu",)
    for same in (
        pickle.loads(pickle.dumps(config)),
        copy.deepcopy(config),
        dataclasses.replace(config),
    ):
        assert same == config and repr(same) == repr(config)
        assert same.providers_of("language_model") == ("cpu",)
    assert "_native" not in repr(config)
    other = dataclasses.replace(config, providers=("cuda", "cpu"))
    assert other.providers_of("language_model") == ("cuda", "cpu")
    assert config.providers_of("language_model") == ("cpu",)


def test_a_runtime_config_is_handed_to_the_native_runtime_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = RuntimeConfig()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("made again")

    monkeypatch.setattr("ufvideo_sdk.runtime.config._native.RuntimeConfig", refuse)
    config.providers_of("language_model")
    config.options_of("language_model", "cpu")
