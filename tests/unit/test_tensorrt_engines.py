"""How a model gets TensorRT's engines, with a stand-in for what builds them."""

from __future__ import annotations

import dataclasses
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")

from tests.unit.tensorrt_stand_in import TensorRtStandIn, stand_in_for_tensorrt
from ufvideo_sdk import RuntimeConfig, UFVideo, _native
from ufvideo_sdk.errors import ConfigError, DeviceError, PackageError
from ufvideo_sdk.package.manifest import CAPABILITY_STAGES, STAGE_STEMS, read_manifest
from ufvideo_sdk.package.manifest_fields import StageVariant
from ufvideo_sdk.package.shipped_package import shipped_package
from ufvideo_sdk.runtime.nvidia_device import NvidiaDevice
from ufvideo_sdk.runtime.onnxruntime_library import find_library
from ufvideo_sdk.tensorrt import engines as tensorrt_engines
from ufvideo_sdk.tensorrt.engines import (
    EngineProgress,
    Engines,
    limited_to_tensorrt_stages,
    native_runtime,
    stages_left_out,
)

TAKEN = ("vision_encoder", "aligner", "region_encoder", "mask_encoder", "mask_decoder")
OTHERS = ("token_embedder", "language_model")
ALL = ("tensorrt", "cuda", "cpu")
# All its stages are fp32.
PACKAGE = Path(__file__).parents[1] / "data" / "tiny" / "package"


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> TensorRtStandIn:
    return stand_in_for_tensorrt(monkeypatch)


def runtime(folder: Path, **settings: Any) -> RuntimeConfig:
    return RuntimeConfig(**{"providers": ALL, "engine_cache": folder / "engines", **settings})


def engines(folder: Path, package: Path = PACKAGE, **settings: Any) -> Engines:
    manifest = read_manifest(package)
    limited = limited_to_tensorrt_stages(runtime(folder, **settings), manifest)
    return Engines(package, manifest, limited, find_library())


def test_the_options_that_reach_tensorrt(device: TensorRtStandIn, tmp_path: Path) -> None:
    built = engines(tmp_path)
    folder = built.build()
    assert folder == tmp_path / "engines" / built.key.digest
    draft = Path(device.options["aligner"]["trt_timing_cache_path"]).parent
    assert draft.parent == folder.parent and not draft.exists()
    assert device.options["vision_encoder"] == {
        "trt_fp16_enable": "0",
        "trt_profile_min_shapes": "frames:1x28x28x3",
        "trt_profile_opt_shapes": "frames:4x28x28x3",
        "trt_profile_max_shapes": "frames:8x28x28x3",
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(draft / "vision_encoder"),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(draft / "timing"),
    }
    assert device.options["mask_decoder"]["trt_profile_max_shapes"] == "hidden_states:16x32"
    # Built, then read back.
    assert device.opened == [stem for stem in TAKEN for _ in range(2)]
    assert set(built.build_seconds) == set(TAKEN)
    # What a model is opened with: no timing cache, which it has no use for.
    config = built.native_config(folder)
    assert config.providers == list(ALL)
    assert dict(config.stage_providers) == {stem: ["cuda", "cpu"] for stem in OTHERS}
    given = config.stage_provider_options["aligner"]["tensorrt"]
    assert given["trt_engine_cache_path"] == str(folder / "aligner")
    assert not any("timing" in name for name in given)
    assert not set(OTHERS) & set(config.stage_provider_options)


def test_own_options_come_on_top_and_make_other_engines(
    device: TensorRtStandIn, tmp_path: Path
) -> None:
    plain = engines(tmp_path)
    own = engines(
        tmp_path,
        provider_options={"tensorrt": {"trt_builder_optimization_level": "5"}},
        stage_provider_options={"aligner": {"tensorrt": {"trt_fp16_enable": "1"}}},
    )
    assert own.options["aligner"]["trt_fp16_enable"] == "1"
    assert own.options["mask_decoder"]["trt_fp16_enable"] == "0"
    assert own.options["mask_decoder"]["trt_builder_optimization_level"] == "5"
    assert own.key.digest != plain.key.digest
    assert own.build() != plain.build()


def test_half_precision_where_the_stage_is(device: TensorRtStandIn, tmp_path: Path) -> None:
    nano = engines(tmp_path, package=shipped_package())
    # Its encoders are int8, in a way that TensorRT does not take.
    halves = ["aligner", "region_encoder", "mask_decoder"]
    assert list(nano.options) == [*halves, *CAPABILITY_STAGES["track"]]
    for options in nano.options.values():
        assert options["trt_fp16_enable"] == options["trt_layer_norm_fp32_fallback"] == "1"
        assert "trt_int8_enable" not in options


@pytest.mark.parametrize(
    "name", ["trt_engine_cache_path", "trt_timing_cache_path", "trt_profile_min_shapes"]
)
def test_options_that_follow_from_others_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"expected options that no field stands for.*{name}"):
        RuntimeConfig(providers=ALL, provider_options={"tensorrt": {name: "x"}})


def test_engines_are_built_once_with_progress(
    device: TensorRtStandIn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[EngineProgress] = []
    with engines(tmp_path).opened(seen.append) as config:
        assert (tmp_path / "engines").is_dir() and config.providers == list(ALL)
    assert seen == [
        *(EngineProgress(stem, number, 5) for number, stem in enumerate(TAKEN)),
        EngineProgress(None, 5, 5),
    ]
    (message,) = (record.getMessage() for record in caplog.records)
    assert "takes minutes" in message and f"`ufvideo build {PACKAGE}`" in message
    caplog.clear()
    device.opened.clear()
    with engines(tmp_path).opened(seen.append):
        pass
    assert device.opened == [] and len(seen) == 6 and not caplog.records


def test_without_a_callback_the_log_counts(
    device: TensorRtStandIn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ufvideo_sdk")
    engines(tmp_path).build()
    assert [record.getMessage() for record in caplog.records] == [
        f"building the TensorRT engine of {stem} ({number + 1} of 5)"
        for number, stem in enumerate(TAKEN)
    ]


def test_a_changed_engine_is_refused_before_anything_opens(
    device: TensorRtStandIn, tmp_path: Path
) -> None:
    built = engines(tmp_path)
    engine = next(built.build().glob("mask_encoder/*.engine"))
    engine.write_bytes(b"engine of X")
    device.opened.clear()
    with pytest.raises(PackageError) as caught, engines(tmp_path).opened():
        raise AssertionError("opened")
    assert f"{engine}: expected SHA-256" in str(caught.value)
    command = f"ufvideo build {PACKAGE} --force --engine-cache {tmp_path / 'engines'}"
    assert str(caught.value).endswith(f"build them again: {command}")
    assert device.opened == []
    engines(tmp_path).build(replace=True)
    with engines(tmp_path).opened():
        pass


def test_engines_of_own_options_are_built_again_by_loading(
    device: TensorRtStandIn, tmp_path: Path
) -> None:
    own = {"provider_options": {"tensorrt": {"trt_builder_optimization_level": "5"}}}
    folder = engines(tmp_path, **own).build()
    next(folder.glob("aligner/*.engine")).write_bytes(b"x")
    with pytest.raises(PackageError, match=f"again: rm -r {folder}, then load the model again"):
        engines(tmp_path, **own).build()
    shutil.rmtree(folder)
    assert engines(tmp_path, **own).build() == folder


def test_engines_of_another_device_are_others(
    device: TensorRtStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = engines(tmp_path).build()
    monkeypatch.setattr(tensorrt_engines, "nvidia_device", lambda n: NvidiaDevice("Thor", "11.0"))
    other = engines(tmp_path).build()
    assert other != first and first.is_dir()


def test_a_graph_in_pieces_is_refused(device: TensorRtStandIn, tmp_path: Path) -> None:
    device.num_engines = 2
    with pytest.raises(DeviceError, match=r"vision_encoder: expected .* one engine, it made 2 \("):
        engines(tmp_path).build()
    with pytest.raises(DeviceError, match=r"\(nodes went 2 to tensorrt, 2 to cuda\)"):
        engines(tmp_path).build()
    device.num_engines = 0
    with pytest.raises(DeviceError, match=r"it made 0 .*stage_providers=\{'vision_encoder'"):
        engines(tmp_path).build()


def test_engines_that_are_not_taken_from_the_cache_are_refused(
    device: TensorRtStandIn, tmp_path: Path
) -> None:
    device.always_builds = True
    with pytest.raises(DeviceError, match=r"take the engines that are there, it wrote .*\.engine"):
        engines(tmp_path).build()
    device.always_builds = False
    engines(tmp_path).build()
    written = pytest.raises(DeviceError, match=r"it wrote aligner/new\.engine anew")
    with written, engines(tmp_path).opened() as config:
        folder = config.stage_provider_options["aligner"]["tensorrt"]["trt_engine_cache_path"]
        (Path(folder) / "new.engine").write_bytes(b"x")


def test_stages_that_tensorrt_does_not_take(tmp_path: Path) -> None:
    manifest = read_manifest(PACKAGE)
    assert set(stages_left_out(runtime(tmp_path), manifest)) == set(OTHERS)
    assert stages_left_out(RuntimeConfig(), manifest) == {}
    only = runtime(tmp_path, stage_providers={"aligner": ALL}, providers=("cuda", "cpu"))
    assert stages_left_out(only, manifest) == {}
    assert limited_to_tensorrt_stages(only, manifest) == only
    named = runtime(tmp_path, stage_providers={"language_model": ALL})
    with pytest.raises(ConfigError, match=r"stage_providers\['language_model'\]: .*GroupQuery"):
        limited_to_tensorrt_stages(named, manifest)
    with pytest.raises(ConfigError, match="providers: expected another one than 'tensorrt' for"):
        limited_to_tensorrt_stages(runtime(tmp_path, providers=("tensorrt",)), manifest)


def test_only_stages_that_ask_for_it_get_engines(device: TensorRtStandIn, tmp_path: Path) -> None:
    built = engines(tmp_path, providers=("cuda", "cpu"), stage_providers={"aligner": ALL})
    assert list(built.options) == ["aligner"]
    built.build()
    assert device.opened == ["aligner", "aligner"]


def test_where_tensorrt_cannot_start_nothing_is_built(
    device: TensorRtStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_native, "find_provider_problem", lambda *arguments: object())
    settings = runtime(tmp_path, allow_fallback=True)
    with native_runtime(PACKAGE, read_manifest(PACKAGE), settings, find_library()) as config:
        assert dict(config.stage_provider_options) == {}
        assert config.providers == list(ALL)
    assert not (tmp_path / "engines").exists() and device.opened == []


def test_a_model_gets_its_engines(
    device: TensorRtStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way, on a machine without a GPU: the graphs themselves run on the CPU."""
    load = _native.Model.load

    class Model:
        @staticmethod
        def load(package: str, config: Any) -> Any:
            device.native_config = config
            return load(package, RuntimeConfig(num_threads=1).to_native(find_library()))

    monkeypatch.setattr(_native, "Model", Model)
    seen: list[EngineProgress] = []
    model = UFVideo.load(PACKAGE, runtime=runtime(tmp_path), on_engine=seen.append)
    assert len(seen) == 6
    given = device.native_config.stage_provider_options
    assert set(given) == set(TAKEN)
    assert all(Path(given[stem]["tensorrt"]["trt_engine_cache_path"]).is_dir() for stem in TAKEN)
    left_out = {stem: set(model.stage_providers[stem].left_out) for stem in STAGE_STEMS}
    assert left_out == {stem: {"tensorrt"} if stem in OTHERS else set() for stem in STAGE_STEMS}
    assert "GroupQueryAttention" in model.stage_providers["language_model"].left_out["tensorrt"]
    UFVideo.load(PACKAGE, runtime=runtime(tmp_path), on_engine=seen.append)
    assert len(seen) == 6


def test_engines_of_int8_multiply_int8(device: TensorRtStandIn, tmp_path: Path) -> None:
    package = shutil.copytree(PACKAGE, tmp_path / "package")
    manifest = read_manifest(package)
    stage = dataclasses.replace(manifest.stages["vision_encoder"], precision="int8")
    own = StageVariant(stage.graph, stage.weights, "int8", manifest.verification["vision_encoder"])
    stage = dataclasses.replace(stage, variants={"tensorrt": own})
    changed = dataclasses.replace(
        manifest, format_version=2, stages={**manifest.stages, "vision_encoder": stage}
    )
    (package / "manifest.json").write_text(changed.to_json())
    engines(tmp_path, package).build()
    options = device.options["vision_encoder"]
    assert (options["trt_int8_enable"], options["trt_fp16_enable"]) == ("1", "0")
    assert "trt_int8_enable" not in device.options["aligner"]
