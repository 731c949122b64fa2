"""One stage opened by itself, as the building of TensorRT's engines does it."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")

from ufvideo_sdk import RuntimeConfig, _native
from ufvideo_sdk.errors import DeviceError, PackageError
from ufvideo_sdk.package.manifest import STAGE_STEMS
from ufvideo_sdk.runtime.onnxruntime_library import find_library

TINY = Path(__file__).parents[1] / "data" / "tiny" / "package"


def config(*providers: str) -> _native.RuntimeConfig:
    return RuntimeConfig(providers=providers, num_threads=1).to_native(find_library())


@pytest.mark.parametrize("stem", STAGE_STEMS)
def test_any_stage_opens(stem: str) -> None:
    providers = _native.open_stage(_native.Package.open(TINY, False), stem, config("cpu"))
    assert list(providers.used) == ["cpu"] and dict(providers.left_out) == {}


def test_errors_are_those_of_a_model() -> None:
    package = _native.Package.open(TINY, False)
    with pytest.raises(PackageError, match="memory_encoder"):
        _native.open_stage(package, "memory_encoder", config("cpu"))
    if _native.find_provider_problem(find_library(), "tensorrt", 0) is not None:
        with pytest.raises(DeviceError, match='expected "tensorrt" to start'):
            _native.open_stage(package, "aligner", config("tensorrt", "cpu"))


def test_options_of_engines_come_on_top() -> None:
    settings = RuntimeConfig(
        providers=("tensorrt", "cpu"),
        stage_provider_options={
            "aligner": {"tensorrt": {"trt_fp16_enable": "1"}, "cuda": {"use_tf32": "1"}}
        },
    )
    given = {"aligner": {"trt_engine_cache_path": "x"}, "mask_decoder": {"a": "b"}}
    native = settings.to_native(find_library(), engine_options=given)
    assert native.stage_provider_options == {
        "aligner": {"tensorrt": {"trt_engine_cache_path": "x"}, "cuda": {"use_tf32": "1"}},
        "mask_decoder": {"tensorrt": {"a": "b"}},
    }
    assert settings.options_of("aligner", "tensorrt") == {"trt_fp16_enable": "1"}
    assert settings.options_of("mask_decoder", "cuda") == {}
    assert settings.providers_of("aligner") == ("tensorrt", "cpu")
